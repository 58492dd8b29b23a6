import type { Sql } from "postgres";
import type { Identity } from "../authorization.ts";
import type { RowChange } from "../pgoutput.ts";
import type { Log } from "../services.ts";
import type { Binding } from "./binding.ts";
import { matches, type Question } from "./filters.ts";
import { changeData } from "./payload.ts";
import { settled } from "./settled.ts";
import type { Subscription } from "./subscription.ts";
import type { Table } from "./tables.ts";
import { type Key, visibleKeys } from "./visibility.ts";

/** A change that a subscription's bindings ask for. */
export interface Delivery {
  change: RowChange;
  table: Table;
  subscription: Subscription;
  bindings: Binding[];
}

/** Leaves out the bindings whose filters do not match. */
export async function filterBindings(sql: Sql, deliveries: Delivery[]): Promise<Delivery[]> {
  const questions: Question[] = [];
  const asked = deliveries.flatMap((delivery) =>
    delivery.bindings.map((binding) => ({
      delivery,
      binding,
      answers: binding.filters.map((filter) => {
        const column = delivery.table.columns.get(filter.column);
        if (!column) return -1;
        const values = delivery.change.record ?? delivery.change.oldRecord ?? [];
        const at = delivery.change.relation.columns.findIndex(({ name }) => name === column.name);
        return questions.push({ filter, column, value: values[at] }) - 1;
      }),
    }))
  );
  const answers = await matches(sql, questions);
  const passed = new Map<Delivery, Binding[]>();
  for (const { delivery, binding, answers: indexes } of asked) {
    if (!indexes.every((i) => answers[i])) continue;
    passed.set(delivery, [...passed.get(delivery) ?? [], binding]);
  }
  return [...passed].map(([delivery, bindings]) => ({ ...delivery, bindings }));
}

/** Asks row-level security, once per table and identity. */
export async function askVisibility(
  sql: Sql,
  log: Log,
  deliveries: Delivery[],
): Promise<(delivery: Delivery) => boolean> {
  const groups = new Map<string, { identity: Identity; table: Table; rows: Map<string, Key> }>();
  const place = ({ table, subscription, change }: Delivery) => {
    const group = `${table.sqlName} ${JSON.stringify(subscription.identity.claims)}`;
    const key = primaryKey(change, table);
    return { group, key, row: JSON.stringify(key) };
  };
  for (const delivery of deliveries.filter(needsCheck)) {
    const { group, key, row } = place(delivery);
    const { table, subscription: { identity } } = delivery;
    const rows = groups.get(group)?.rows ?? new Map<string, Key>();
    groups.set(group, { identity, table, rows: rows.set(row, key) });
  }
  if (groups.size > 0) await settled(sql, deliveries.map(({ change }) => change.transactionId));
  const seen = new Map<string, Set<string>>();
  await Promise.all([...groups].map(async ([group, { identity, table, rows }]) => {
    const answers = await visibleKeys(sql, identity, table, [...rows.values()])
      .catch((error) => {
        log("warn", "a policy failed", { table: table.sqlName, error: String(error) });
        return [];
      });
    seen.set(group, new Set([...rows.keys()].filter((_, i) => answers[i])));
  }));
  return (delivery) => {
    if (!needsCheck(delivery)) return true;
    const { group, row } = place(delivery);
    return seen.get(group)?.has(row) ?? false;
  };
}

/** The bindings of a subscription that ask for this change, whatever their filters say. */
export function asksFor(subscription: Subscription, change: RowChange): Binding[] {
  const { schema, table } = change.relation;
  return subscription.bindings.filter((binding) =>
    (binding.event === "*" || binding.event === change.type) &&
    (binding.schema === "*" || binding.schema === schema) &&
    (binding.table === "*" || binding.table === table)
  );
}

// A deleted row can no longer be read, and a row without a key cannot be found again.
function needsCheck({ table, change, subscription }: Delivery): boolean {
  return table.hasRls && change.type !== "DELETE" && table.primaryKey.length > 0 &&
    table.primaryKey.every(({ selectableBy }) =>
      selectableBy.includes(subscription.identity.claims.role)
    );
}

function primaryKey(change: RowChange, table: Table): Key {
  return table.primaryKey.map(({ name }) => {
    const at = change.relation.columns.findIndex((column) => column.name === name);
    return change.record?.[at] ?? "";
  });
}

/** Hands a change to its subscriber. */
export function send({ change, table, subscription, bindings }: Delivery): void {
  // Bindings with the same columns share one event, which names all of them.
  for (const group of Map.groupBy(bindings, ({ select }) => JSON.stringify(select)).values()) {
    const ids = JSON.stringify(group.map(({ id }) => id));
    const role = subscription.identity.claims.role;
    const data = changeData(change, table, { role, select: group[0]?.select ?? null });
    subscription.deliver(`{"ids":${ids},"data":${data}}`);
  }
}
