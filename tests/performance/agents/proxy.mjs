// A bare proxy of streams in a process of its own: what any program between a client and a model costs at the least.
import { createServer, request } from 'node:http';

const [to] = process.argv.slice(2);
createServer((incoming, response) => {
  const { method, url, headers } = incoming;
  const onward = request(to + url, { method, headers: { ...headers, host: new URL(to).host } }, (answer) => {
    response.writeHead(answer.statusCode, answer.headers);
    answer.pipe(response);
  });
  onward.on('error', () => response.destroy());
  incoming.pipe(onward);
}).listen(0, '127.0.0.1', function () {
  process.send(this.address().port);
});
