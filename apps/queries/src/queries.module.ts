import { type DynamicModule, Module } from '@nestjs/common';
import { serviceModule } from '@runlog/platform';
import { QueriesService } from './queries.service.js';
import { READS, ReadsController } from './reads.controller.js';

/** Projections and reads as a Nest module; in a cluster it listens for reads over TCP, in `standalone` they are called directly. */
@Module({})
export class QueriesModule {
  static of(service: QueriesService): DynamicModule {
    const module = serviceModule(QueriesModule, QueriesService, service);
    return { ...module, controllers: [ReadsController], providers: [...(module.providers ?? []), { provide: READS, useValue: service.reads }], exports: [QueriesService, READS] };
  }
}
