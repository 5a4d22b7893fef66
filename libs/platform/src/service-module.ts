import type { DynamicModule, OnApplicationBootstrap, OnApplicationShutdown, Type } from '@nestjs/common';

/** A plain class with a beginning and an end. Both are called once. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The module of a service: Nest starts it when the application has come up and stops it when the application closes. The service itself
 * knows nothing of Nest.
 */
export const serviceModule = (module: Type, token: Type<Startable>, service: Startable): DynamicModule => {
  class Lifecycle implements OnApplicationBootstrap, OnApplicationShutdown {
    onApplicationBootstrap(): Promise<void> {
      return service.start();
    }
    onApplicationShutdown(): Promise<void> {
      return service.stop();
    }
  }
  return {
    module,
    providers: [
      { provide: token, useValue: service },
      { provide: Lifecycle, useFactory: () => new Lifecycle() },
    ],
    exports: [token],
  };
};
