import { strict as assert } from "node:assert";
import { patientFetch } from "./patient_fetch.ts";

function answering(...answers: (number | "nobody")[]) {
  let asked = 0;
  const fetch = () => {
    const answer = answers[Math.min(asked++, answers.length - 1)];
    if (answer === "nobody") return Promise.reject(new TypeError("connection refused"));
    return Promise.resolve(new Response("body", { status: answer }));
  };
  return { fetch, asked: () => asked };
}

Deno.test("Who does not answer, or answers 5xx, is asked again", async () => {
  const { fetch, asked } = answering("nobody", 502, 200);
  let waits = 0;
  const response = await patientFetch({ fetch, onWait: () => waits++ })("http://stack/");
  assert.deepEqual([response.status, asked(), waits], [200, 3, 1]);
});

Deno.test("An answer that is final is given back at once", async () => {
  const { fetch, asked } = answering(409, 200);
  assert.equal((await patientFetch({ fetch })("http://stack/")).status, 409);
  assert.equal(asked(), 1);
});

Deno.test("Patience ends with the last answer, or with none", async () => {
  const silent = answering("nobody");
  await assert.rejects(patientFetch({ fetch: silent.fetch, patienceMs: 150 })("http://stack/"));
  const broken = answering(503);
  const response = await patientFetch({ fetch: broken.fetch, patienceMs: 150 })("http://stack/");
  assert.deepEqual([response.status, await response.text()], [503, "body"]);
});
