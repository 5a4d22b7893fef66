export { CommandsModule } from './commands.module.js';
export { type CommandsParts, CommandsService } from './commands.service.js';
export { exposeCommands } from './metrics.js';
