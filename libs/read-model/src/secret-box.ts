import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { keptLine } from './kept-file.js';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A secret as it is stored: `ciphertext` is base64 of nonce, tag and encrypted value; `keyId` names the key without giving it away. */
export interface SealedSecret {
  readonly ciphertext: string;
  readonly keyId: string;
}

/** A stored secret that this key cannot open: sealed under another key, altered, or moved to another name or workspace. */
export class SecretUnreadable extends Error {}

/** Seals secrets with AES-256-GCM. Workspace and name are authenticated, so a stored value is worth nothing anywhere else. */
export class SecretBox {
  readonly keyId: string;
  readonly #key: Buffer;

  /** `key`: 32 bytes. */
  constructor(key: Buffer) {
    this.#key = key;
    this.keyId = createHash('sha256').update('runlog secret key').update(key).digest('hex').slice(0, 16);
  }

  seal = (workspaceId: string, name: string, value: string): SealedSecret => {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv('aes-256-gcm', this.#key, nonce).setAAD(boundTo(workspaceId, name));
    const encrypted = Buffer.concat([cipher.update(value, 'utf8'), cipher.final()]);
    return { ciphertext: Buffer.concat([nonce, cipher.getAuthTag(), encrypted]).toString('base64'), keyId: this.keyId };
  };

  /** @throws SecretUnreadable */
  open = (workspaceId: string, name: string, { ciphertext, keyId }: SealedSecret): string => {
    if (keyId !== this.keyId) throw new SecretUnreadable(`Expected to open secret '${name}', but it is sealed under key ${keyId} and this process has ${this.keyId}`);
    const bytes = Buffer.from(ciphertext, 'base64');
    try {
      const decipher = createDecipheriv('aes-256-gcm', this.#key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES })
        .setAAD(boundTo(workspaceId, name))
        .setAuthTag(bytes.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
      return decipher.update(bytes.subarray(NONCE_BYTES + TAG_BYTES), undefined, 'utf8') + decipher.final('utf8');
    } catch (cause) {
      throw new SecretUnreadable(`Expected to open secret '${name}', but its stored value is damaged`, { cause });
    }
  };
}

const boundTo = (workspaceId: string, name: string): Buffer => Buffer.from(JSON.stringify([workspaceId, name]), 'utf8');

/** The key that was given, or else the one kept in `home` (made on first use, readable by its owner alone). */
export const secretKeyIn = async (home: string, given?: Buffer): Promise<Buffer> => {
  if (given) return given;
  const path = join(home, 'secret.key');
  const key = Buffer.from(await keptLine(path, () => randomBytes(32).toString('hex')), 'hex');
  if (key.length !== 32) throw new Error(`Expected a key of 32 bytes in hex in '${path}', but it holds ${key.length} bytes`);
  return key;
};
