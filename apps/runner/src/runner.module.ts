import { type DynamicModule, Module } from '@nestjs/common';
import { serviceModule } from '@runlog/platform';
import { RunnerService } from './runner.service.js';

/** A runner in a process of its own or beside other services: it is told which log to use and nothing else. */
@Module({})
export class RunnerModule {
  static of(service: RunnerService): DynamicModule {
    return serviceModule(RunnerModule, RunnerService, service);
  }
}
