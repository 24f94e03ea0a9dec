import type { Workspace, WorkspaceActivity, WorkspaceInvite } from "../domain/workspace.ts";

export interface WorkspaceRepository {
  /** Returns `false` when the slug is taken. */
  add(workspace: Workspace): Promise<boolean>;
  findById(id: string): Promise<Workspace | undefined>;
  findBySlug(slug: string): Promise<Workspace | undefined>;
}

export interface WorkspaceInviteRepository {
  /** Returns `false` when the address already has an open invite to the workspace. */
  add(invite: WorkspaceInvite): Promise<boolean>;
  findById(id: string): Promise<WorkspaceInvite | undefined>;
  /** Locks the invite until the transaction ends. */
  findByTokenForUpdate(token: string): Promise<WorkspaceInvite | undefined>;
  /** Newest first. */
  list(workspaceId: string, limit: number): Promise<readonly WorkspaceInvite[]>;
  markAccepted(id: string, at: Date): Promise<void>;
  /** Revokes an open invite of the workspace and returns it; `undefined` when there is none. */
  revoke(workspaceId: string, id: string, at: Date): Promise<WorkspaceInvite | undefined>;
  /** Revokes the open invite of the address if it has expired. */
  closeExpired(workspaceId: string, email: string, now: Date): Promise<void>;
  /** Deletes unaccepted invites that expired before the cut-off. Returns their number. */
  deleteExpiredBefore(cutoff: Date): Promise<number>;
}

export interface WorkspaceActivityRepository {
  /** Does nothing when the entry is stored already, or the workspace is gone. */
  add(activity: WorkspaceActivity): Promise<void>;
  /** Newest first. */
  list(workspaceId: string, limit: number): Promise<readonly WorkspaceActivity[]>;
}

declare module "#src/kernel/unit-of-work.ts" {
  interface Transaction {
    readonly workspaces: WorkspaceRepository;
    readonly workspaceInvites: WorkspaceInviteRepository;
    readonly workspaceActivity: WorkspaceActivityRepository;
  }
}
