import type { LanguageModel } from 'ai';

/** A model as the AI SDK's providers make it: one call at a time, no retries of its own. */
export type SdkModel = Extract<LanguageModel, { specificationVersion: 'v3' }>;
export type SdkCall = Parameters<SdkModel['doStream']>[0];
export type SdkPrompt = SdkCall['prompt'];
export type SdkMessage = SdkPrompt[number];
type Streamed = Awaited<ReturnType<SdkModel['doStream']>>['stream'];
export type SdkPart = Streamed extends ReadableStream<infer Part> ? Part : never;
