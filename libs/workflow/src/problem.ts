/** One thing that is wrong with a definition or a value: where, and what was expected there. */
export interface Problem {
  /** JSON Pointer (RFC 6901) into the body; '' is the body itself. */
  readonly pointer: string;
  /** For a person: `Expected ..., but ...`. */
  readonly detail: string;
  /** What would probably be right. */
  readonly suggestion?: string;
}

/** Appends members to a JSON Pointer. */
export const pointerTo = (pointer: string, ...members: readonly (string | number)[]): string =>
  members.reduce<string>((path, member) => `${path}/${String(member).replaceAll('~', '~0').replaceAll('/', '~1')}`, pointer);
