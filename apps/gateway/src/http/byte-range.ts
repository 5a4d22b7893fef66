/** What of a body a `Range` header asks for; null: none of it is there; undefined: all of it is to be sent. */
export const byteRange = (header: string | undefined, bytes: number): { readonly from: number; readonly to: number } | null | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header?.trim() ?? '') ?? [];
  if (first === '' && last === '') return undefined;
  if (first === '') return Number(last) === 0 || bytes === 0 ? null : { from: Math.max(0, bytes - Number(last)), to: bytes - 1 };
  if (last !== '' && Number(last) < Number(first)) return undefined;
  if (Number(first) >= bytes) return null;
  return { from: Number(first), to: last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1) };
};
