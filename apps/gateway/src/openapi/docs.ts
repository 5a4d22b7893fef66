import type { INestApplication } from '@nestjs/common';
import type { NestExpressApplication } from '@nestjs/platform-express';
import { DocumentBuilder, type OpenAPIObject, SwaggerModule } from '@nestjs/swagger';
import type { Express } from 'express';
import type { RouteTable } from '../http/route-table.js';
import { amend } from './amend.js';
import { schemas } from './schemas.js';

const description = `Executions: single runs of workflows, as facts on a log.

Every failure is \`application/problem+json\`. Each operation says which permission its key needs (\`x-permission\`) and the least role that has it
(\`x-least-role\`). Answers are in the canonical dialect; \`?dialect=\`, a vendor \`Accept\` or the key may choose another one.`;

/** `/openapi.json` and `/docs`, made on first use; every asset comes from this server, and no script is inline. */
export const serveDocs = (app: NestExpressApplication, routes: RouteTable): void => {
  let document: OpenAPIObject | undefined;
  const make = () => (document ??= documentOf(app));
  const server = app.getHttpAdapter().getInstance() as Express;
  server.get('/docs', (_, response) => void response.type('html').send(page));
  server.get('/docs/start.js', (_, response) => void response.type('text/javascript').send(start));
  SwaggerModule.setup('docs', app, make, { jsonDocumentUrl: 'openapi.json', raw: ['json'] });
  for (const path of ['openapi.json', 'docs', 'docs/start.js']) routes.add('GET', path);
};

const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>Runlog API</title>
<link rel="stylesheet" href="/docs/swagger-ui.css">
<link rel="icon" type="image/png" href="/docs/favicon-32x32.png">
</head>
<body>
<div id="swagger-ui">Needs JavaScript. The document itself is at <a href="/openapi.json">/openapi.json</a>.</div>
<script src="/docs/swagger-ui-bundle.js"></script>
<script src="/docs/start.js"></script>
</body>
</html>
`;

const start = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null, persistAuthorization: false });
`;

/** The OpenAPI 3.1 document of the routes that the application has. */
export const documentOf = (app: INestApplication): OpenAPIObject => {
  const config = new DocumentBuilder()
    .setTitle('Runlog')
    .setDescription(description)
    .setVersion('1')
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'An API key' }, 'bearer')
    .addApiKey({ type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'The same key, for clients that send it so' }, 'apiKey')
    .addServer('/')
    .build();
  const document = SwaggerModule.createDocument(app, config, { autoTagControllers: false });
  document.components = { ...document.components, schemas: { ...document.components?.schemas, ...(schemas as object) } };
  return amend(document);
};
