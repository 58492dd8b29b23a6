const quietMs = 200;

/** Calls `onChange` with the files that changed, once source under these paths is quiet again. */
export function watchSources(
  paths: readonly string[],
  onChange: (changed: readonly string[]) => void,
): { close(): void } {
  const existing = paths.filter((path) => {
    try {
      return Deno.statSync(path) !== null;
    } catch {
      return false;
    }
  });
  const watcher = Deno.watchFs(existing);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const changed = new Set<string>();
  const report = () => {
    const files = [...changed];
    changed.clear();
    onChange(files);
  };
  const watch = async () => {
    for await (const event of watcher) {
      const files = event.kind === "access" ? [] : event.paths.filter(isSource);
      if (files.length === 0) continue;
      for (const file of files) changed.add(file);
      clearTimeout(timer);
      timer = setTimeout(report, quietMs);
    }
  };
  watch();
  return {
    close() {
      clearTimeout(timer);
      watcher.close();
    },
  };
}

function isSource(path: string): boolean {
  return /\.(ts|js|mjs|json|toml|sql)$/.test(path) && !path.endsWith("_test.ts");
}
