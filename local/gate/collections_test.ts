import assert from "node:assert/strict";
import { readCollections } from "./collections.ts";

const printed = `  Phase_1.postman_collection.json: Sign up: status is 201: expected 429
to equal 201
Phase_1.postman_collection.json: 38 assertions passed, 1 failed
  Phase_2.postman_collection.json: Consent: error: connect ECONNREFUSED
Phase_2.postman_collection.json: 12 assertions passed, 1 failed
Postman: 50 assertions passed, 2 failed
`;

Deno.test("each failed assertion of a collection is a failure with its request and its message", () => {
  assert.deepEqual(readCollections(printed), {
    passed: 50,
    failures: [
      "Phase_1.postman_collection.json: Sign up: status is 201: expected 429\nto equal 201",
      "Phase_2.postman_collection.json: Consent: error: connect ECONNREFUSED",
    ],
  });
});

Deno.test("a failed assertion that is not named is counted all the same", () => {
  const { failures } = readCollections(printed.replace("2 failed\n", "3 failed\n"));
  assert.deepEqual(failures.slice(2), ["a Postman assertion that is not named"]);
});

Deno.test("collections that end before their sum are a failure with what was printed last", () => {
  const { passed, failures } = readCollections("error: newman could not run Phase_1");
  assert.equal(passed, 0);
  assert.match(failures[0]!, /newman could not run/);
});
