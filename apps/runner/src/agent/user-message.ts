import type { Json } from '@runlog/execution';
import { type AgentDefinition, resolveTemplates, type Scope, type Seed } from '@runlog/workflow';
import type { Image, Message } from './models/conversation.js';

const DATA_URL = /^data:(image\/[a-z0-9.+-]+);base64,([A-Za-z0-9+/=\s]+)$/i;
const MAX_DEPTH = 6;

/** What the agent is told, from its input. `system`: undefined, it is told nothing. */
export const firstMessages = async (agent: AgentDefinition, input: Json, scope: Scope, seed: Seed): Promise<{ system: string | undefined; user: Message }> => {
  const images: Image[] = [];
  const shown = withoutPictures(input, images, 0);
  const told = { ...scope, input: shown };
  const resolve = async (template: string, name: string) => written(await resolveTemplates(template, told, { ...seed, commandId: `${seed.commandId}/${name}` }));
  const system = agent.system_prompt === undefined ? undefined : await resolve(agent.system_prompt, 'system_prompt');
  const text = agent.prompt_template === undefined ? plainly(shown) : await resolve(agent.prompt_template, 'prompt_template');
  return { system, user: { role: 'user', text, images } };
};

/** Without a template: the input's `message`, or all of it. */
const plainly = (input: Json): string => {
  if (typeof input === 'object' && input !== null && !Array.isArray(input) && typeof input.message === 'string') return input.message;
  return written(input);
};

const written = (value: Json): string => (typeof value === 'string' ? value : value === null ? '' : JSON.stringify(value));

/** Pictures in the input, as data URLs or {type: 'image', media_type, data} or {type: 'image', url}, go to the model as pictures; in texts they are a mark. */
const withoutPictures = (value: Json, images: Image[], depth: number): Json => {
  const image = imageIn(value);
  if (image) return `[picture ${images.push(image)}]`;
  if (typeof value !== 'object' || value === null || depth === MAX_DEPTH) return value;
  if (Array.isArray(value)) return value.map((item) => withoutPictures(item, images, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, withoutPictures(member, images, depth + 1)]));
};

const imageIn = (value: Json): Image | undefined => {
  if (typeof value === 'string') {
    const [, media_type, data] = value.startsWith('data:image/') ? (DATA_URL.exec(value) ?? []) : [];
    return media_type && data ? { media_type, data } : undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value) || value.type !== 'image') return undefined;
  const { media_type, data, url } = value;
  if (typeof data === 'string' && typeof media_type === 'string') return { media_type, data };
  return typeof url === 'string' && /^https?:\/\//.test(url) && URL.canParse(url) ? { media_type: typeof media_type === 'string' ? media_type : 'image/*', url } : undefined;
};
