/** Reads `--db-url`; throws one sentence about what cannot be one. */
export function parseDatabaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !/^postgres(ql)?:$/.test(url.protocol) || !url.hostname) {
    throw new Error(
      "--db-url takes the URL of a database, such as postgresql://postgres:secret@127.0.0.1:5432/streamvibe.",
    );
  }
  if (!url.port) url.port = "5432";
  if (!url.username) url.username = "postgres";
  if (url.pathname.length < 2) url.pathname = `/${url.username}`;
  return url;
}

/** The same database as another role; an empty password is none. */
export function asRole(url: URL, role: string, password: string): string {
  const other = new URL(url);
  other.username = encodeURIComponent(role);
  other.password = encodeURIComponent(password);
  return other.href;
}

/** A URL as it may be shown: without the password. */
export function withoutPassword(url: URL | string): string {
  const shown = new URL(url);
  shown.password = "";
  return shown.href;
}

const reasons: Readonly<Record<string, (url: URL) => string>> = {
  "28P01": ({ username }) => `the server refuses the password of role ${username}`,
  "28000": ({ username }) => `the server lets role ${username} in from here under no password`,
  "3D000": ({ pathname }) =>
    `there is no database "${pathname.slice(1)}": make it with \`createdb ${pathname.slice(1)}\``,
  "57P03": () => "the server is still starting",
  "53300": () => "the server has no connection left",
  CONNECT_TIMEOUT: () => "the server does not answer",
  ECONNREFUSED: () => "nothing listens there; is the server running, and does it listen on TCP?",
  ENOTFOUND: ({ hostname }) => `the name ${hostname} is unknown`,
};

/** One sentence about why a database could not be reached. */
export function unreachableSentence(url: URL, error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  const reason = reasons[code]?.(url) ?? (error instanceof Error ? error.message : String(error));
  return `The database ${withoutPassword(url)} cannot be used: ${reason}.`;
}
