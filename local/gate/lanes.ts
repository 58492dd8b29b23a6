/**
 * Does pieces of work in their order, as many at once as there are lanes and one at a time in each.
 *
 * @param run Must not reject.
 */
export async function inLanes<Work, Lane>(
  works: readonly Work[],
  lanes: readonly Lane[],
  run: (work: Work, lane: Lane) => Promise<void>,
): Promise<void> {
  const waiting = [...works];
  await Promise.all(lanes.map(async (lane) => {
    for (let work = waiting.shift(); work !== undefined; work = waiting.shift()) {
      await run(work, lane);
    }
  }));
}
