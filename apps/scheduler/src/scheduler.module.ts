import { type DynamicModule, Module } from '@nestjs/common';
import { serviceModule } from '@runlog/platform';
import { type SchedulerDeps, SchedulerService } from './scheduler.service.js';

/** The scheduler as a module of whichever process it runs in. */
@Module({})
export class SchedulerModule {
  static of(deps: SchedulerDeps): DynamicModule {
    return serviceModule(SchedulerModule, SchedulerService, new SchedulerService(deps));
  }
}
