import { JobsNotConfiguredError } from "#src/jobs/application/job-errors.ts";
import { AppError } from "#src/kernel/errors.ts";
import type { Logger } from "#src/kernel/logger.ts";
import type { Transaction } from "#src/kernel/unit-of-work.ts";
import {
  inviteExpiry,
  inviteStatus,
  reminderDue,
  type Workspace,
  type WorkspaceActivity,
  type WorkspaceInvite,
} from "../domain/workspace.ts";
import type { WorkspaceRepository } from "./repositories.ts";

const INVITES_LISTED = 100;

type WorkspaceCore = Pick<OrbitJobs.Core, "uow" | "clock" | "ids"> & { readonly log: Logger };

export interface WorkspaceService {
  /** @throws AppError `workspaces.slug_taken` */
  create(input: { slug: string; name: string }): Promise<Workspace>;
  /** @throws AppError `workspaces.not_found`, `workspaces.already_invited` */
  invite(slug: string, email: string): Promise<WorkspaceInvite>;
  /** The hundred newest. @throws AppError `workspaces.not_found` */
  listInvites(slug: string): Promise<readonly WorkspaceInvite[]>;
  /** @throws AppError `workspaces.not_found`, `workspaces.invite_not_found` */
  revokeInvite(slug: string, inviteId: string): Promise<void>;
  /** @throws AppError `workspaces.invite_not_found`, `workspaces.invite_closed` */
  acceptInvite(token: string): Promise<Workspace>;
  /** The newest entries of the activity feed. @throws AppError `workspaces.not_found` */
  listActivity(slug: string, limit: number): Promise<readonly WorkspaceActivity[]>;
}

export function createWorkspaceService({ uow, clock, ids, log }: WorkspaceCore): WorkspaceService {
  return {
    create: ({ slug, name }) =>
      uow.run(async (tx) => {
        const workspace = { id: ids.id(), slug, name, createdAt: clock.now() };
        if (!(await tx.workspaces.add(workspace))) {
          throw new AppError("workspaces.slug_taken", 409, `The slug "${slug}" is taken.`);
        }
        await tx.events.record({ type: "workspace.created", data: { workspaceId: workspace.id } });
        return workspace;
      }),

    invite: (slug, email) =>
      uow.run(async (tx) => {
        const workspace = await workspaceOf(tx.workspaces, slug);
        const createdAt = clock.now();
        const invite: WorkspaceInvite = {
          id: ids.id(),
          workspaceId: workspace.id,
          email,
          token: ids.token(),
          createdAt,
          expiresAt: inviteExpiry(createdAt),
          acceptedAt: null,
          revokedAt: null,
        };
        await tx.workspaceInvites.closeExpired(workspace.id, email, createdAt);
        if (!(await tx.workspaceInvites.add(invite))) {
          throw new AppError(
            "workspaces.already_invited",
            409,
            "This address already has an open invite. Revoke it to send another.",
          );
        }
        await tx.events.record({ type: "workspace.invite.created", data: eventData(invite) });
        await enqueueReminder(tx.jobs, invite, log);
        return invite;
      }),

    listInvites: (slug) =>
      uow.read(async (tx) => {
        const workspace = await workspaceOf(tx.workspaces, slug);
        return tx.workspaceInvites.list(workspace.id, INVITES_LISTED);
      }),

    revokeInvite: (slug, inviteId) =>
      uow.run(async (tx) => {
        const workspace = await workspaceOf(tx.workspaces, slug);
        const revoked = await tx.workspaceInvites.revoke(workspace.id, inviteId, clock.now());
        if (!revoked) throw inviteNotFound();
        await tx.events.record({ type: "workspace.invite.revoked", data: eventData(revoked) });
      }),

    acceptInvite: (token) =>
      uow.run(async (tx) => {
        const invite = await tx.workspaceInvites.findByTokenForUpdate(token);
        if (!invite) throw inviteNotFound();
        const status = inviteStatus(invite, clock.now());
        if (status !== "pending") {
          throw new AppError("workspaces.invite_closed", 409, `This invite is ${status}.`);
        }
        await tx.workspaceInvites.markAccepted(invite.id, clock.now());
        const workspace = await tx.workspaces.findById(invite.workspaceId);
        if (!workspace) throw inviteNotFound();
        await tx.events.record({ type: "workspace.invite.accepted", data: eventData(invite) });
        return workspace;
      }),

    listActivity: (slug, limit) =>
      uow.read(async (tx) => {
        const workspace = await workspaceOf(tx.workspaces, slug);
        return tx.workspaceActivity.list(workspace.id, limit);
      }),
  };
}

/**
 * Enqueues the reminder in the invite's transaction: both are stored, or neither. Without a provider the
 * invite is stored alone, because it is useful without a reminder.
 */
async function enqueueReminder(
  jobs: Transaction["jobs"],
  { id: inviteId, createdAt }: WorkspaceInvite,
  log: Logger,
): Promise<void> {
  const options = { runAt: reminderDue(createdAt), jobKey: inviteId };
  try {
    await jobs.enqueue("workspaces.invites.send-reminder", { inviteId }, options);
  } catch (err) {
    if (!(err instanceof JobsNotConfiguredError)) throw err;
    log.warn({ err, inviteId }, "invite created without a reminder: no job provider");
  }
}

/** An event must not carry the invite's token. */
function eventData({ id: inviteId, workspaceId, email }: WorkspaceInvite) {
  return { workspaceId, inviteId, email };
}

async function workspaceOf(workspaces: WorkspaceRepository, slug: string): Promise<Workspace> {
  const workspace = await workspaces.findBySlug(slug);
  if (!workspace) {
    throw new AppError("workspaces.not_found", 404, `There is no workspace "${slug}".`);
  }
  return workspace;
}

function inviteNotFound(): AppError {
  return new AppError("workspaces.invite_not_found", 404, "There is no such open invite.");
}
