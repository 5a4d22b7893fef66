import type { Catalog, SecretBox } from '@runlog/read-model';

/** Where nodes' secrets come from. */
export interface SecretStore {
  /** A secret's value, or undefined when the workspace has none of that name. @throws SecretUnreadable */
  read(workspaceId: string, name: string): Promise<string | undefined>;
}

/** Secrets of the catalog, opened with the key of this installation. Read anew each time: a replaced secret counts at once. */
export const catalogSecrets = (catalog: Pick<Catalog, 'secret'>, box: SecretBox): SecretStore => ({
  read: async (workspaceId, name) => {
    const stored = await catalog.secret(workspaceId, name);
    return stored ? box.open(workspaceId, name, stored) : undefined;
  },
});
