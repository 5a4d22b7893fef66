import { type DynamicModule, Module } from '@nestjs/common';
import { serviceModule } from '@runlog/platform';
import { QueriesService } from './queries.service.js';
import { READS } from './reads-token.js';

/** Projections and reads as a Nest module; `controllers` answer reads over TCP in a cluster, in `standalone` they are called directly. */
@Module({})
export class QueriesModule {
  static of(service: QueriesService, controllers: DynamicModule['controllers'] = []): DynamicModule {
    const module = serviceModule(QueriesModule, QueriesService, service);
    return { ...module, controllers, providers: [...(module.providers ?? []), { provide: READS, useValue: service.reads }], exports: [QueriesService, READS] };
  }
}
