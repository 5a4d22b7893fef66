export { type CommandsParts, CommandsService } from './commands.service.js';
export { CommandsModule } from './commands.module.js';
export { exposeCommands } from './metrics.js';
