import { join } from "node:path";

/** Holds a stack for one supervisor. The system lets go of it when the process dies, however. */
export interface StackLock {
  release(): void;
}

/** Takes the lock of a stack; null when a living supervisor has it. */
export async function lockStack(stackDir: string): Promise<StackLock | null> {
  if (!("tryLock" in Deno.FsFile.prototype)) {
    throw new Error(
      `Deno ${Deno.version.deno} is too old for the local stack; \`npx -y deno@latest task start\` brings a newer one.`,
    );
  }
  const file = await Deno.open(join(stackDir, "lock"), { create: true, write: true });
  if (await file.tryLock(true)) return { release: () => file.close() };
  file.close();
  return null;
}

/** True when a supervisor holds the stack. */
export async function isLocked(stackDir: string): Promise<boolean> {
  try {
    const file = await Deno.open(join(stackDir, "lock"), { write: true });
    const free = await file.tryLock(true);
    file.close();
    return !free;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
