/**
 * Makes work that may be asked for at any moment run one at a time: whatever it reads, the last to be
 * done is the last that was begun. What is asked for meanwhile is done once more, however often.
 *
 * @param work Must not reject.
 */
export function oneAtATime(work: () => Promise<void>): () => Promise<void> {
  let isRunning = false;
  let isAskedFor = false;
  return async () => {
    isAskedFor = true;
    if (isRunning) return;
    isRunning = true;
    while (isAskedFor) {
      isAskedFor = false;
      await work();
    }
    isRunning = false;
  };
}
