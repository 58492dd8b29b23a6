/** The parts of a sync's result that are nought unless a test says otherwise. */
export const nothingElse = {
  new_items: 0,
  updated_items: 0,
  unchanged: 0,
  removed: 0,
  missing: 0,
  failed_count: 0,
  failures: [],
};
