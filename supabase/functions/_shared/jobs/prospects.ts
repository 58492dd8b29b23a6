/**
 * Whether another claim is likely to bring something. One that brought all it asked for leaves more
 * behind. One that brought less has emptied the queue, as far as it could be emptied: what a job's end
 * then sets free (the next one of a capped type, a waiting parent) is learned by looking.
 */
export class Prospects {
  #hasMore = true;
  /** Types whose latest end, or the one before, set nothing free. */
  readonly #barren = new Set<string>();
  /** Types of which a job has ended since the latest claim was sent. */
  #ended = new Set<string>();

  /** The latest claim has left more behind, or could not be made. */
  get hasMore(): boolean {
    return this.#hasMore;
  }

  /** A job of this type has ended: is it worth a claim at once? */
  afterEnd(type: string): boolean {
    this.#ended.add(type);
    return this.#hasMore || !this.#barren.has(type);
  }

  /** A claim that would be due is not made, or has failed. */
  missed(): void {
    this.#hasMore = true;
  }

  /** A claim is sent; the returned function is told what it brought, and whether it was asked for. */
  claiming(asked: number, isRung: boolean): (found: number) => void {
    const ended = this.#ended;
    this.#ended = new Set();
    return (found) => {
      this.#hasMore = found >= asked;
      for (const type of ended) {
        if (found === 0) this.#barren.add(type);
        else if (!isRung) this.#barren.delete(type);
      }
    };
  }
}
