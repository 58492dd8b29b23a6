/** What pgTAP cannot show, having one session: claims that begin from a remembered place, and who comes late. */
import assert from "node:assert/strict";
import type postgres from "postgres";
import { type OwnJobs, until, withOpenTransaction, withOwnJobs } from "./own_jobs.ts";

const claim = async (sql: postgres.ISql, jobTypes: readonly string[], batchSize: number) =>
  (await sql<{ id: string }[]>`
    select id from private.take_jobs('cursor-race', ${batchSize}, ${sql.array([...jobTypes])})`)
    .map(({ id }) => id);

/** Where claims of the type begin in the lane of most jobs; null = anywhere. */
async function floorOf({ sql, jobTypes }: OwnJobs): Promise<number | null> {
  const [cursor] = await sql<{ turn: string }[]>`
    select turn from private.job_cursor where job_type = ${jobTypes[0]!} and job_priority = 5`;
  const turn = BigInt(cursor!.turn);
  return turn < 0 ? null : Number(turn);
}

/** So many jobs of nobody, one behind the other from the lane's time on. */
const fill = ({ sql, jobTypes }: OwnJobs, count: number) =>
  sql`
    insert into public.job_queue (job_type, turn)
    select ${jobTypes[0]!}, virtual_time + n
    from private.job_lane, generate_series(1, ${count}::int) as n
    where job_priority = 5`;

const enqueueFor = async (sql: postgres.Sql, user: string, jobType: string) => {
  const [job] = await sql<{ job_id: string }[]>`
    select job_id from private.find_or_create_job(${user}, ${jobType}, '{"late": true}')`;
  return job!.job_id;
};

// A claim of a hundred always looks after the floor; a smaller one only now and then.
const many = 100;

Deno.test("the floor of a lane follows the claims once all who lined up before have ended", async () => {
  await withOwnJobs({ connections: 2 }, async (own) => {
    const floors: number[] = [];
    // Whatever else is open in the database holds it up, and ends.
    await until(async () => {
      await fill(own, many);
      assert.equal((await claim(own.sql, own.jobTypes, many)).length, many);
      const floor = await floorOf(own);
      if (floor !== null && floor !== floors.at(-1)) floors.push(floor);
      return floors.length === 3;
    });
    assert.deepEqual(floors, floors.toSorted((a, b) => a - b), "it moves only upwards");
  });
});

Deno.test("a job whose transaction commits late is claimed at once, however far the others are", async () => {
  await withOwnJobs({ connections: 3 }, async (own) => {
    const { sql, users, jobTypes } = own;
    await fill(own, many);
    await claim(sql, jobTypes, many);
    let before: number | null = null;
    let after: number | null = null;
    const late = await withOpenTransaction(
      sql,
      (held) => enqueueFor(held, users[0]!, jobTypes[0]!),
      async () => {
        before = await floorOf(own);
        // What comes now is claimed long before it.
        for (let round = 0; round < 6; round++) {
          await fill(own, many);
          assert.equal((await claim(sql, jobTypes, many)).length, many);
        }
        after = await floorOf(own);
      },
    );

    const turn = Number((await own.job(late)).turn);
    assert.ok(
      after === null || after <= turn,
      `the floor went from ${before} to ${after}, over ${turn}`,
    );
    assert.deepEqual(await claim(sql, jobTypes, 1), [late]);
  });
});

/** So many jobs of nobody, some turns ahead of the lane's time: those before them were cancelled, say. */
const fillAhead = ({ sql, jobTypes }: OwnJobs, count: number) =>
  sql`
    insert into public.job_queue (job_type, turn)
    select ${jobTypes[0]!}, virtual_time + 50 + n
    from private.job_lane, generate_series(1, ${count}::int) as n
    where job_priority = 5`;

Deno.test("a job that commits late is not skipped where no later transaction has ended", async () => {
  for (let round = 0; round < 5; round++) {
    await withOwnJobs({ connections: 3 }, async (own) => {
      const { sql, users, jobTypes } = own;
      await fillAhead(own, 5 * many);
      const late = await withOpenTransaction(
        sql,
        (held) => enqueueFor(held, users[0]!, jobTypes[0]!),
        async () => {
          for (let n = 0; n < 3; n++) await claim(sql, jobTypes, many);
        },
      );
      assert.deepEqual(await claim(sql, jobTypes, 1), [late]);
    });
  }
});

Deno.test("nor one that lines up while the claim that moves the lane's time is open", async () => {
  for (let round = 0; round < 5; round++) {
    await withOwnJobs({ connections: 4 }, async (own) => {
      const { sql, users, jobTypes } = own;
      await fillAhead(own, 5 * many);
      const slow = await sql.reserve();
      let late = "";
      try {
        await withOpenTransaction(
          sql,
          (held) => claim(held, jobTypes, many),
          async () => {
            await slow`begin`;
            late = await enqueueFor(slow, users[0]!, jobTypes[0]!);
          },
        );
        for (let n = 0; n < 2; n++) await claim(sql, jobTypes, many);
        await slow`commit`;
      } finally {
        await slow`rollback`;
        slow.release();
      }
      assert.deepEqual(await claim(sql, jobTypes, 1), [late]);
    });
  }
});

/** Where the floor is after each of so many claims of a lane that has enough. */
async function floorsOf(own: OwnJobs, claims: number) {
  const floors: (number | null)[] = [];
  for (let round = 0; round < claims; round++) {
    await fill(own, many);
    await claim(own.sql, own.jobTypes, many);
    floors.push(await floorOf(own));
  }
  return floors;
}

Deno.test("who has lined up and stays open holds the floor for as long, and no longer", async () => {
  await withOwnJobs({ connections: 3, users: 1 }, async (own) => {
    let held: (number | null)[] = [];
    await withOpenTransaction(
      own.sql,
      (other) => enqueueFor(other, own.users[0]!, own.jobTypes[0]!),
      async () => {
        held = await floorsOf(own, 8);
      },
      "rollback",
    );
    // What was noted before that transaction began may still become the floor.
    assert.equal(new Set(held.slice(3)).size, 1, `it stayed: ${held}`);
    await until(async () => (await floorsOf(own, 1))[0]! > (held.at(-1) ?? 0));
  });
});

Deno.test("a transaction that lines nothing up holds no floor, though it writes", async () => {
  await withOwnJobs({ connections: 3, users: 1 }, async (own) => {
    const open = (task: (held: postgres.Sql) => Promise<unknown>) =>
      withOpenTransaction(own.sql, task, async () => {
        // Others may line up meanwhile: not for ever.
        await until(async () => {
          const floors = (await floorsOf(own, 8)).map((floor) => floor ?? 0);
          return new Set(floors).size > 3;
        });
      }, "rollback");
    await open(async (held) => {
      await held`set transaction isolation level repeatable read`;
      await held`select pg_current_xact_id()`;
    });
    await open(async (held) => {
      await held`savepoint mistake`;
      await enqueueFor(held, own.users[0]!, own.jobTypes[0]!);
      await held`rollback to savepoint mistake`;
    });
  });
});

Deno.test("no job is skipped while many enqueue, some of them slowly, and many claim", async () => {
  await withOwnJobs({ connections: 10, users: 4 }, async (own) => {
    const { sql, users, jobTypes } = own;
    const claimed: string[] = [];
    let isOpen = true;
    const workers = Array.from({ length: 4 }, async () => {
      for (let empty = 0; isOpen || empty < 2;) {
        const ids = await claim(sql, jobTypes, many);
        claimed.push(...ids);
        empty = ids.length === 0 ? empty + 1 : 0;
      }
    });
    const made: string[] = [];
    await Promise.all(users.map(async (user, n) => {
      for (let round = 0; round < 40; round++) {
        const rows = await sql.begin(async (tx) => {
          const rows = await tx<{ id: string }[]>`
            insert into public.job_queue (user_id, job_type, turn)
            select ${user}::uuid, ${jobTypes[0]!}, private.line_up(${user}, 5::smallint) + n
            from generate_series(0, 4) as n returning id`;
          // Every second one commits after whatever the others do meanwhile.
          if ((n + round) % 2 === 0) { for (let wait = 0; wait < 5; wait++) await tx`select`; }
          return rows;
        });
        made.push(...rows.map(({ id }) => id));
      }
    }));
    isOpen = false;
    await Promise.all(workers);
    assert.deepEqual(claimed.sort(), made.sort(), "each is claimed, and once");
  });
});

/** The blocks of the line, table and indexes, that a transaction's task looks at. */
async function blocksOf(tx: postgres.TransactionSql, task: () => Promise<unknown>) {
  const read = async () => {
    const [row] = await tx<{ blocks: number }[]>`
      select sum(pg_stat_get_xact_blocks_fetched(relation))::int as blocks
      from (
        select 'private.job_waiting'::regclass as relation
        union all
        select indexrelid from pg_index where indrelid = 'private.job_waiting'::regclass
      ) as line`;
    return row!.blocks;
  };
  const before = await read();
  await task();
  return await read() - before;
}

Deno.test("a claim reads no more while somebody holds an old snapshot, however many have gone through", async () => {
  await withOwnJobs({ connections: 3 }, async (own) => {
    const { sql, jobTypes } = own;
    const claimOne = () => sql.begin((tx) => blocksOf(tx, () => claim(tx, jobTypes, 1)));
    const goThrough = async (jobs: number) => {
      for (let done = 0; done < jobs; done += many) {
        await fill(own, many);
        assert.equal((await claim(sql, jobTypes, many)).length, many);
      }
    };
    await fill(own, 10 * many);
    await goThrough(5 * many);
    const old = await sql.reserve();
    try {
      await old`begin transaction isolation level repeatable read, read only`;
      await old`select count(*) from public.job_type`;
      await goThrough(10 * many);
      const early = await claimOne();
      await goThrough(60 * many);
      const late = await claimOne();
      assert.ok(late <= early + 1_500, `${early} blocks after 1 000 jobs, ${late} after 7 000`);

      await sql`
        update private.job_cursor set turn = -1, next_turn = -1 where job_type = ${jobTypes[0]!}`;
      const fromTheStart = await claimOne();
      assert.ok(fromTheStart > late + 3_000, `${fromTheStart} blocks without a floor`);
    } finally {
      await old`rollback`;
      old.release();
    }
  });
});
