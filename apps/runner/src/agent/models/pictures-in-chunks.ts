import type { AnswerPart } from './conversation.js';

const DATA_URL = /^data:(image\/[a-z0-9.+-]+);base64,/i;

interface Chunk {
  readonly choices?: readonly { readonly delta?: { readonly images?: readonly { readonly image_url?: { readonly url?: unknown } }[] } | null }[];
}

/** Pictures in a piece of an answer by the chat completions' format, which the SDK passes over. */
export const picturesIn = (chunk: unknown): readonly AnswerPart[] => {
  const images = (chunk as Chunk | null)?.choices?.[0]?.delta?.images;
  if (!Array.isArray(images)) return [];
  return images.flatMap((image: { image_url?: { url?: unknown } } | null): AnswerPart[] => {
    const url = image?.image_url?.url;
    const found = typeof url === 'string' ? DATA_URL.exec(url) : null;
    return found ? [{ type: 'image', media_type: found[1] as string, data: (url as string).slice(found[0].length) }] : [];
  });
};
