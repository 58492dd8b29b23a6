/** What somebody asks of the queue, and how it is to be answered. */
export interface Question {
  readonly asks: string;
  /** What has happened before it is asked. */
  readonly before?: string;
  readonly statement: string;
  readonly index: string;
  /** How many rows may be looked at for it, however large the table. */
  readonly rows: number;
}
