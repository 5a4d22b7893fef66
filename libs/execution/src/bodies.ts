import type { BodyReference } from './body-reference.js';
import type { EventData, EventType, ExecutionEvent } from './events.js';
import type { Json } from './ids.js';

/** Bytes of JSON up to which a body is part of the event. */
export const largestInlineBytes = 64 * 1024;

/** The member of each event's data that may be stored elsewhere. */
const bodyMembers = {
  ExecutionCreated: 'input',
  ExecutionCompleted: 'output',
  NodeCompleted: 'output',
  EffectRecorded: 'receipt',
  ResponseReceived: 'answer',
  GateExpired: 'answer',
} as const satisfies { readonly [Type in EventType]?: keyof EventData[Type] };

/** The body of an event, if its type has one: which member it is, and its value. */
export const bodyOf = ({ type, data }: ExecutionEvent): { readonly member: string; readonly value: Json } | undefined => {
  const member = Object.hasOwn(bodyMembers, type) ? bodyMembers[type as keyof typeof bodyMembers] : undefined;
  return member === undefined ? undefined : { member, value: (data as unknown as { readonly [member: string]: Json })[member] ?? null };
};

/** The event with a reference in place of its body. */
export const withReference = (event: ExecutionEvent, reference: BodyReference): ExecutionEvent => {
  const body = bodyOf(event);
  if (!body) throw new Error(`Expected an event that has a body, but ${event.type} has none`);
  return { type: event.type, data: { ...event.data, [body.member]: null, [`${body.member}_ref`]: reference } } as unknown as ExecutionEvent;
};

/** All references in the data of an event. */
export const referencesIn = (event: ExecutionEvent): BodyReference[] => {
  const body = bodyOf(event);
  const reference = body && (event.data as unknown as { readonly [member: string]: BodyReference | undefined })[`${body.member}_ref`];
  return reference ? [reference] : [];
};
