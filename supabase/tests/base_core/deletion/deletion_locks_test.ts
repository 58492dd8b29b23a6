/** A user is deleted while something is done for them: whoever waits, nobody waits in a circle. */
import { type Call, withRaces } from "./race.ts";
import { connectionCalls } from "./connection_calls.ts";
import { contentCalls } from "./content_calls.ts";
import { jobCalls } from "./job_calls.ts";
import { workerCalls } from "./worker_calls.ts";
import { userCalls } from "./user_calls.ts";

const test = (title: string, calls: Record<string, Call>) =>
  Deno.test(title, async (t) => {
    await withRaces(async (race) => {
      for (const [name, call] of Object.entries(calls)) await t.step(name, () => race(call));
    });
  });

test("a user is deleted whatever is done to their connections", connectionCalls);
test("a user is deleted whatever is done to their content", contentCalls);
test("a user is deleted whatever is done to what comes with a profile", userCalls);
test("a user is deleted whatever is asked of their jobs", jobCalls);
test("a user is deleted whatever workers and the timetable do to their jobs", workerCalls);
