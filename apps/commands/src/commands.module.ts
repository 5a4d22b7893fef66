import { type DynamicModule, Module } from '@nestjs/common';
import { serviceModule } from '@runlog/platform';
import { CommandsService } from './commands.service.js';

/** Commands in a process of its own or beside other services: it is told which log and database to use and nothing else. */
@Module({})
export class CommandsModule {
  static of(service: CommandsService): DynamicModule {
    return serviceModule(CommandsModule, CommandsService, service);
  }
}
