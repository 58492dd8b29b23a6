/**
 * The `fields` parameter of the graph hosts: `id,caption,children{id,media_url},likes.summary(true)`.
 * @module
 */
import { invalidParameter } from "./graph_error.ts";

/** A field that is asked for. */
export interface AskedField {
  readonly name: string;
  /** Fields of what is behind it, in braces. */
  readonly fields: readonly AskedField[] | null;
}

/** A thing of the graph: every field it knows, those that are absent as undefined. Few have no id. */
export type GraphNode = { readonly id?: string } & Readonly<Record<string, unknown>>;

/** Reads the parameter. */
export function parseFields(text: string): readonly AskedField[] {
  let at = 0;
  function list(inner: boolean): AskedField[] {
    const fields: AskedField[] = [];
    for (;;) {
      const name = /^[a-z_]+(?:\.[a-z_]+\([^()]*\))*/i.exec(text.slice(at))?.[0];
      if (!name) throw syntaxError(text.slice(at));
      at += name.length;
      let behind: AskedField[] | null = null;
      if (text[at] === "{") {
        at++;
        behind = list(true);
      }
      fields.push({ name: name.split(".")[0] ?? name, fields: behind });
      const next = text[at++];
      if (next === ",") continue;
      if (next === (inner ? "}" : undefined)) return fields;
      throw syntaxError(text.slice(at - 1));
    }
  }
  return text === "" ? [] : list(false);
}

function syntaxError(rest: string) {
  return invalidParameter(
    `Syntax error "Expected end of string instead of "${rest.slice(0, 1)}"." at character`,
    2500,
  );
}

/** The asked-for part of a thing; its id is always there. */
export function project(node: GraphNode, asked: readonly AskedField[]): Record<string, unknown> {
  const part: Record<string, unknown> = {};
  for (const { name, fields } of asked) {
    if (!(name in node)) {
      throw invalidParameter(`Tried accessing nonexisting field (${name})`);
    }
    const value = node[name];
    if (value !== undefined) part[name] = isEdge(value) ? projectEdge(value, fields) : value;
  }
  return { ...part, id: node.id };
}

interface Edge {
  readonly data: readonly GraphNode[];
}

function isEdge(value: unknown): value is Edge {
  return typeof value === "object" && value !== null && "data" in value &&
    Array.isArray(value.data);
}

function projectEdge(edge: Edge, fields: readonly AskedField[] | null) {
  return { ...edge, data: edge.data.map((node) => project(node, fields ?? [])) };
}
