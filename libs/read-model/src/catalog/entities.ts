import type { AgentDefinition, WorkflowDefinition } from '@runlog/workflow';
import { Column, Entity, PrimaryColumn } from 'typeorm';

export type Role = 'viewer' | 'editor' | 'admin';
/** What a key may do beside its role: `run` creates, cancels, retries and replays; `approve` answers gates. */
export type FinerPermission = 'run' | 'approve';

/** A tenant. */
@Entity('workspaces')
export class Workspace {
  @PrimaryColumn('uuid') id!: string;
  @Column('text') slug!: string;
  @Column('text') name!: string;
  /** IANA name. */
  @Column('text') timezone!: string;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
}

/** A part of a workspace that executions are created in. */
@Entity('pods')
export class Pod {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'workspace_id' }) workspaceId!: string;
  @Column('text') slug!: string;
  @Column('text') name!: string;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
}

/** The key itself is shown once; only its SHA-256 (hex) is kept. */
@Entity('api_keys')
export class ApiKey {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'workspace_id' }) workspaceId!: string;
  @Column('uuid', { name: 'pod_id', nullable: true }) podId!: string | null;
  @Column('text') name!: string;
  @Column('text') role!: Role;
  @Column('text', { array: true }) permissions!: FinerPermission[];
  @Column('text', { nullable: true }) dialect!: string | null;
  @Column('text') prefix!: string;
  @Column('text') hash!: string;
  @Column('text', { name: 'user_id', nullable: true }) userId!: string | null;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
  @Column('bigint', { name: 'revoked_at', nullable: true }) revokedAt!: number | null;
}

/** A person: keys belong to it, and what they do is done by `user:<id>`. */
@Entity('users')
export class User {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'workspace_id' }) workspaceId!: string;
  @Column('text') email!: string;
  @Column('text') name!: string;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
  @Column('bigint', { name: 'removed_at', nullable: true }) removedAt!: number | null;
}

@Entity('workflows')
export class Workflow {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'workspace_id' }) workspaceId!: string;
  @Column('text') key!: string;
  @Column('text') name!: string;
  /** Number of the latest version. */
  @Column('integer', { name: 'current_version' }) currentVersion!: number;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
  @Column('bigint', { name: 'updated_at' }) updatedAt!: number;
  /** Of the one-node workflow of an agent; null: of its own. */
  @Column('uuid', { name: 'agent_id', nullable: true }) agentId!: string | null;
}

/** Immutable once published. */
@Entity('workflow_versions')
export class WorkflowVersion {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'workflow_id' }) workflowId!: string;
  @Column('uuid', { name: 'workspace_id' }) workspaceId!: string;
  @Column('integer') number!: number;
  @Column('json') definition!: WorkflowDefinition;
  /** Ids of the agents' versions that it pins, by node; null: it has no nodes of agents. */
  @Column('json', { nullable: true }) agents!: { readonly [node: string]: string } | null;
  /** SHA-256 (hex) of the definition's canonical JSON, and of what it pins. */
  @Column('text') digest!: string;
  @Column('text', { name: 'created_by', nullable: true }) createdBy!: string | null;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
}

/** An agent; its key is that of its workflow. */
@Entity('agents')
export class Agent {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'workspace_id' }) workspaceId!: string;
  @Column('uuid', { name: 'workflow_id' }) workflowId!: string;
  @Column('text') key!: string;
  @Column('text') name!: string;
  /** Number of the latest version. */
  @Column('integer', { name: 'current_version' }) currentVersion!: number;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
  @Column('bigint', { name: 'updated_at' }) updatedAt!: number;
}

/** Immutable once published. */
@Entity('agent_versions')
export class AgentVersion {
  @PrimaryColumn('uuid') id!: string;
  @Column('uuid', { name: 'agent_id' }) agentId!: string;
  @Column('uuid', { name: 'workspace_id' }) workspaceId!: string;
  /** The version of the agent's workflow that pins it. */
  @Column('uuid', { name: 'workflow_version_id' }) workflowVersionId!: string;
  @Column('integer') number!: number;
  @Column('json') definition!: AgentDefinition;
  /** SHA-256 (hex) of the definition's canonical JSON. */
  @Column('text') digest!: string;
  @Column('text', { name: 'created_by', nullable: true }) createdBy!: string | null;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
}

/** A secret as stored: what `ciphertext` holds is the business of the secret box. */
@Entity('secrets')
export class Secret {
  @PrimaryColumn('uuid', { name: 'workspace_id' }) workspaceId!: string;
  @PrimaryColumn('text') name!: string;
  @Column('text') ciphertext!: string;
  @Column('text', { name: 'key_id' }) keyId!: string;
  @Column('bigint', { name: 'created_at' }) createdAt!: number;
  @Column('bigint', { name: 'updated_at' }) updatedAt!: number;
}
