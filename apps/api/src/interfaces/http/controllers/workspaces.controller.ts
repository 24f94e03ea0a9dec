import { Hono } from "hono";
import { z } from "zod";
import type { Clock } from "#src/kernel/clock.ts";
import { AppError } from "#src/kernel/errors.ts";
import type { WorkspaceService } from "#src/workspaces/application/workspace-service.ts";
import { inviteStatus, type WorkspaceInvite } from "#src/workspaces/domain/workspace.ts";
import { readPageLimit } from "../limits.ts";
import { readBody, storableText } from "../read-body.ts";

const newWorkspace = z.strictObject({
  slug: z.string().regex(/^[a-z0-9](?:[a-z0-9-]{0,46}[a-z0-9])$/, {
    error: "must be 2 to 48 characters: a-z, 0-9 and, inside, -",
  }),
  name: storableText().trim().min(1).max(100),
});

const newInvite = z.strictObject({ email: z.email().max(254).toLowerCase() });

/** Workspaces and their invites. Requires the bearer token. */
export function workspacesController(workspaces: WorkspaceService, clock: Clock): Hono {
  const shown = ({ id, email, createdAt, expiresAt, ...invite }: WorkspaceInvite) => ({
    id,
    email,
    status: inviteStatus({ id, email, createdAt, expiresAt, ...invite }, clock.now()),
    createdAt,
    expiresAt,
  });
  return new Hono()
    .post("/workspaces", async (c) => {
      const workspace = await workspaces.create(await readBody(c, newWorkspace));
      return c.json({ workspace }, 201);
    })
    .post("/workspaces/:slug/invites", async (c) => {
      const { email } = await readBody(c, newInvite);
      const invite = await workspaces.invite(c.req.param("slug"), email);
      // The only answer with the token. The caller makes the invitee's link from it.
      return c.json({ invite: { ...shown(invite), token: invite.token } }, 201);
    })
    .get("/workspaces/:slug/invites", async (c) => {
      const invites = await workspaces.listInvites(c.req.param("slug"));
      return c.json({ invites: invites.map(shown) });
    })
    .get("/workspaces/:slug/activity", async (c) => {
      const limit = readPageLimit(c.req.query("limit"));
      const entries = await workspaces.listActivity(c.req.param("slug"), limit);
      return c.json({
        activity: entries.map(({ id, type, email, occurredAt }) => ({
          id,
          type,
          email,
          occurredAt,
        })),
      });
    })
    .delete("/workspaces/:slug/invites/:id", async (c) => {
      const id = z.uuid().safeParse(c.req.param("id"));
      if (!id.success) {
        throw new AppError("workspaces.invite_not_found", 404, "There is no such open invite.");
      }
      await workspaces.revokeInvite(c.req.param("slug"), id.data);
      return c.body(null, 204);
    });
}

/** Accepting an invite. The invite's token is the credential. */
export function acceptInviteController(workspaces: WorkspaceService): Hono {
  return new Hono().post("/invites/:token/accept", async (c) => {
    const { id, slug, name } = await workspaces.acceptInvite(c.req.param("token"));
    return c.json({ workspace: { id, slug, name } });
  });
}
