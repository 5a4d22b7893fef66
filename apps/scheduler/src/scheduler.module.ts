import { type DynamicModule, Module } from '@nestjs/common';
import { serviceModule } from '@runlog/platform';
import { SchedulerService } from './scheduler.service.js';

/** The scheduler as a module of whichever process it runs in. */
@Module({})
export class SchedulerModule {
  static of(service: SchedulerService): DynamicModule {
    return serviceModule(SchedulerModule, SchedulerService, service);
  }
}
