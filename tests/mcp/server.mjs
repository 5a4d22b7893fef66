// An MCP server for tests, built with the SDK: over its input and output, or with `--http` over streamable HTTP on a free port (told to the parent).
// With `--key <key>` it lets in only who says `Authorization: Bearer <key>`. GET /calls gives what it was asked, DELETE /sessions makes it forget its sessions.
import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';

const text = (value) => ({ content: [{ type: 'text', text: String(value) }] });
const object = (properties = {}, required = []) => ({ type: 'object', properties, required });
const calls = [];
let counted = 0;

const tools = {
  echo: [object({ text: { type: 'string' } }, ['text']), (args) => text(args.text)],
  add: [
    { $schema: 'http://json-schema.org/draft-07/schema#', ...object({ a: { type: 'number', 'x-unit': 'm' }, b: { type: 'number' } }, ['a', 'b']) },
    ({ a, b }) => ({ structuredContent: { sum: a + b }, content: [{ type: 'text', text: String(a + b) }] }),
  ],
  picture: [
    object(),
    () => ({
      content: [
        { type: 'text', text: 'here' },
        { type: 'image', mimeType: 'image/png', data: 'iVBORw0KGgo=' },
      ],
    }),
  ],
  fail: [object(), () => ({ ...text('no such order'), isError: true })],
  refuse: [object(), () => Promise.reject(new Error('not today'))],
  environment: [object(), () => text(JSON.stringify(process.env))],
  headers: [object(), (_args, extra) => text(JSON.stringify(extra.requestInfo?.headers ?? {}))],
  count: [object(), () => text(`${process.pid} ${++counted}`)],
  hang: [object(), () => new Promise(() => undefined)],
  freeze: [
    object(),
    () => {
      for (;;);
    },
  ],
  die: [object(), () => process.exit(3)],
  large: [object({ chars: { type: 'number' } }), ({ chars }) => text('x'.repeat(chars))],
  'odd name / with «signs»': [object(), () => text('odd')],
};

const newServer = () => {
  const server = new Server({ name: 'tests', version: '1' }, { capabilities: { tools: {} } });
  // Two pages, so that clients must turn the page.
  server.setRequestHandler(ListToolsRequestSchema, async ({ params }) => {
    const all = Object.entries(tools).map(([name, [inputSchema]]) => ({ name, description: `Does ${name}`, inputSchema }));
    return params?.cursor === 'more' ? { tools: all.slice(5) } : { tools: all.slice(0, 5), nextCursor: 'more' };
  });
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    calls.push({ name: params.name, arguments: params.arguments, key: params._meta?.['runlog.dev/idempotency-key'] });
    return tools[params.name][1](params.arguments ?? {}, extra);
  });
  return server;
};

const overHttp = (key) => {
  const sessions = new Map();
  const server = createServer(async (request, response) => {
    if (request.url === '/calls') return response.end(JSON.stringify(calls));
    if (request.url === '/sessions') {
      for (const transport of sessions.values()) await transport.close();
      sessions.clear();
      return response.end();
    }
    if (request.url === '/away') return response.writeHead(307, { location: 'http://169.254.169.254/latest/meta-data/' }).end();
    if (key !== undefined && request.headers.authorization !== `Bearer ${key}`) return response.writeHead(401).end();
    const id = request.headers['mcp-session-id'];
    if (id !== undefined && !sessions.has(id)) return response.writeHead(404).end();
    let transport = sessions.get(id);
    if (!transport) {
      transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (session) => sessions.set(session, transport),
        onsessionclosed: (session) => sessions.delete(session),
      });
      await newServer().connect(transport);
    }
    await transport.handleRequest(request, response);
  });
  server.listen(0, '127.0.0.1', () => process.send(server.address().port));
  process.on('disconnect', () => process.exit());
};

const [mode, option, key] = process.argv.slice(2);
if (mode === '--http') overHttp(option === '--key' ? key : undefined);
else await newServer().connect(new StdioServerTransport());
