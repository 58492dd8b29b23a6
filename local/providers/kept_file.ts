import type { Kept } from "./world.ts";

/**
 * The file that carries people, channels and consents over a restart, so that an account connected
 * yesterday still works today. A file that cannot be read counts as none: it is a simulator.
 */
export function keptFile(path: string): { read(): Kept | null; write(kept: Kept): void } {
  return {
    read() {
      try {
        const kept: Kept = JSON.parse(Deno.readTextFileSync(path));
        return kept.population && kept.consents ? kept : null;
      } catch {
        return null;
      }
    },
    write(kept) {
      const draft = `${path}.new`;
      Deno.writeTextFileSync(draft, JSON.stringify(kept));
      Deno.renameSync(draft, path);
    },
  };
}
