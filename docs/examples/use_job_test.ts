import assert from "node:assert/strict";
// @ts-types="@types/react"
import { createElement, StrictMode } from "react";
// @ts-types="@types/react-test-renderer"
import { create } from "react-test-renderer";
import { until } from "./fake_source.ts";
import { useJob } from "./use_job.ts";
import { jobTest } from "./watched_job.ts";

jobTest(
  "useJob() shows a job in a component, also when React mounts it twice",
  async (job, client) => {
    const Progress = ({ id }: { id: string | null }) => {
      const { job: state, connection } = useJob(client, id);
      return createElement("p", null, `${connection} ${state?.status} ${state?.percent}`);
    };
    const tree = (id: string | null) =>
      createElement(StrictMode, null, createElement(Progress, { id }));
    const page = create(tree(job.id));
    const text = () => JSON.stringify(page.toJSON());
    const shows = (words: string) => until(() => text().includes(words), text);

    await shows("live processing 0");
    await job.progress(40);
    await shows("live processing 40");
    assert.equal(client.getChannels().length, 1);
    page.update(tree(null));
    await shows("connecting undefined undefined");
    page.update(tree(job.id));
    await shows("live processing 40");
    await job.complete();
    await shows("ended completed 100");
    page.unmount();
    await until(() => client.getChannels().length === 0, () => "a channel is left");
  },
);
