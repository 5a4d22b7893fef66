/** Where an adapter reports what no caller sees; pino fits. */
export interface Diagnostics {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export const silent: Diagnostics = { info: () => undefined, warn: () => undefined, error: () => undefined };
