import { z } from "zod";
import type { OrphanedGrants } from "../../platforms/orphaned_grants.ts";
import type { OAuthClient } from "../../platforms/platform.ts";
import type { JobContext } from "../context.ts";
import { defineJob } from "../define_job.ts";

const params = z.object({
  /** Of the connection that was deleted. */
  connection_id: z.uuid(),
});

const result = z.object({
  /** `not_supported`: only the creator can end it. `forgotten`: done before, or connected anew. */
  outcome: z.enum(["revoked", "not_supported", "forgotten"]),
});

type Context = JobContext<z.output<typeof params>, null>;

/** What the handler needs from outside. */
export interface GrantRevokeDeps {
  grants: OrphanedGrants;
  /** By platform name. */
  platforms: Readonly<Record<string, { oauth: Pick<OAuthClient, "revoke"> }>>;
}

/**
 * Ends the grant of a connection that was deleted. The platform is told first and the tokens go last:
 * whoever is interrupted in between tells it once more, and a grant that has ended counts as done.
 */
export const grantRevoke = defineJob({
  type: "grant_revoke",
  params,
  checkpoint: z.null(),
  result,
  async run(ctx: Context, deps: GrantRevokeDeps): Promise<z.input<typeof result>> {
    const outcome = await revoke(ctx, deps);
    await deps.grants.forget(ctx.params.connection_id);
    return { outcome };
  },
});

async function revoke({ params, signal }: Context, { grants, platforms }: GrantRevokeDeps) {
  const grant = await grants.read(params.connection_id);
  if (!grant) return "forgotten";
  const platform = platforms[grant.platform];
  if (!platform) throw new Error(`Nobody revokes grants of ${grant.platform}`);
  const { revoked } = await platform.oauth.revoke(grant.tokens, { signal });
  return revoked ? "revoked" : "not_supported";
}
