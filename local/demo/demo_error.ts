import { FunctionsHttpError } from "@supabase/supabase-js";
import { z } from "zod";

/** Something the person who runs the demo should read: one sentence, no stack trace. */
export class DemoError extends Error {}

const failure = z.object({ error: z.object({ code: z.string(), message: z.string() }) });

/** What an edge function answered, or a {@link DemoError} that says what it said. */
export async function answerOf<T>(
  name: string,
  call: Promise<{ data: unknown; error: unknown }>,
  shape: z.ZodType<T>,
): Promise<T> {
  const { data, error } = await call;
  if (error instanceof FunctionsHttpError) {
    const response: Response = error.context;
    const told = failure.safeParse(await response.json().catch(() => null)).data?.error;
    throw new DemoError(
      `The function ${name} answered ${response.status}` +
        (told ? ` ${told.code}: ${told.message}` : "."),
    );
  }
  if (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new DemoError(`The function ${name} could not be called: ${reason}.`);
  }
  const read = shape.safeParse(data);
  if (!read.success) throw new DemoError(`The function ${name} answered something unexpected.`);
  return read.data;
}
