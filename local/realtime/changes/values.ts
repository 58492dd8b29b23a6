/** Turns PostgreSQL's text form of a value into JSON text, as `to_jsonb` would. */

const NUMBERS = new Set(["int2", "int4", "int8", "float4", "float8", "numeric", "oid"]);

/** JSON text of a value of a type, given by its name in `pg_type`. */
export function toJson(typeName: string, text: string | null): string {
  if (text === null) return "null";
  if (typeName.startsWith("_")) return arrayToJson(typeName.slice(1), text);
  if (NUMBERS.has(typeName)) {
    // Kept as text: a JavaScript number could not hold every int8 or numeric.
    return /^-?\d/.test(text) ? text : JSON.stringify(text);
  }
  switch (typeName) {
    case "bool":
      return text === "t" ? "true" : "false";
    case "json":
    case "jsonb":
      return text;
    case "timestamp":
      return JSON.stringify(text.replace(" ", "T"));
    case "timestamptz":
      return JSON.stringify(text.replace(" ", "T").replace(/([+-]\d\d)$/, "$1:00"));
    default:
      return JSON.stringify(text);
  }
}

function arrayToJson(elementType: string, text: string): string {
  // A lower bound other than 1 is written before the array: [0:1]={…}.
  const start = text.indexOf("{");
  let offset = start;

  function element(): string {
    if (text[offset] === "{") return list();
    if (text[offset] === '"') return toJson(elementType, quoted());
    const from = offset;
    while (text[offset] !== "," && text[offset] !== "}") offset++;
    const bare = text.slice(from, offset);
    return toJson(elementType, bare === "NULL" ? null : bare);
  }

  function quoted(): string {
    let value = "";
    for (offset++; text[offset] !== '"'; offset++) {
      if (text[offset] === "\\") offset++;
      value += text[offset];
    }
    offset++;
    return value;
  }

  function list(): string {
    const items: string[] = [];
    offset++;
    while (offset < text.length && text[offset] !== "}") {
      items.push(element());
      if (text[offset] === ",") offset++;
    }
    offset++;
    return `[${items.join(",")}]`;
  }

  return start === -1 ? JSON.stringify(text) : list();
}
