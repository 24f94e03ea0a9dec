import { z } from "zod";
import { defineJob } from "#src/jobs/application/define-job.ts";
import { inviteStatus } from "../domain/workspace.ts";

declare global {
  namespace OrbitJobs {
    interface Jobs {
      "workspaces.invites.send-reminder": { inviteId: string };
    }
  }
}

export const sendReminderJob = defineJob({
  name: "workspaces.invites.send-reminder",
  schema: z.strictObject({ inviteId: z.uuid() }),
  handler: async ({ inviteId }, ctx) => {
    const found = await ctx.uow.read(async (tx) => {
      const invite = await tx.workspaceInvites.findById(inviteId);
      const workspace = invite && (await tx.workspaces.findById(invite.workspaceId));
      return workspace && { invite, workspace };
    });
    const status = found && inviteStatus(found.invite, ctx.clock.now());
    if (!found || status !== "pending") {
      ctx.log.info(
        { inviteId, status: status ?? "deleted" },
        "reminder skipped: the invite is not pending",
      );
      return;
    }
    const { invite, workspace } = found;
    await ctx.mailer.send({
      to: invite.email,
      subject: `Your invitation to ${workspace.name} is waiting`,
      text:
        `You were invited to the workspace "${workspace.name}".\n` +
        `Accept with this token until ${invite.expiresAt.toISOString()}: ${invite.token}\n`,
    });
  },
});
