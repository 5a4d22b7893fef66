import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { http } from '../kinds/http.js';
import { contextFor, failureOf, Sink } from '../testing/fixture.js';
import { Egress, type Resolved } from './egress.js';

const ipv6 = (address: string): Resolved => ({ address, family: 6 });
const ipv4 = (address: string): Resolved => ({ address, family: 4 });

/** What names stand for; anything else has no address. */
const names: Record<string, Resolved[]> = {
  'private.test': [ipv4('10.0.0.1')],
  'loopback.test': [ipv4('127.0.0.1')],
  'loopback6.test': [ipv6('::1')],
  'half.test': [ipv4('93.184.216.34'), ipv4('127.0.0.1')],
  'half6.test': [ipv4('93.184.216.34'), ipv6('::ffff:127.0.0.1')],
  'mapped.test': [ipv6('::ffff:7f00:1')],
  'zone.test': [ipv6('fe80::1%lo')],
  'metadata.test': [ipv4('169.254.169.254')],
  'nat64.test': [ipv6('64:ff9b::7f00:1')],
  'sixtofour.test': [ipv6('2002:7f00:1::')],
  'unspecified.test': [ipv4('0.0.0.0')],
  localhost: [ipv4('127.0.0.1'), ipv6('::1')],
  'localhost.': [ipv4('127.0.0.1')],
  'sub.localhost': [ipv4('127.0.0.1')],
};

const hosts = [
  // Loopback, written in every way that an IPv4 address can be.
  '127.0.0.1',
  '127.0.0.2',
  '127.1',
  '127.0.1',
  '127.255.255.254',
  '2130706433',
  '0x7f000001',
  '0x7f.0.0.1',
  '0x7f.1',
  '017700000001',
  '0177.0.0.1',
  '0177.0.0.01',
  '0177.1',
  '127.0.0.1.',
  '%31%32%37.0.0.1',
  '１２７.0.0.1',
  '①②⑦.0.0.1',
  '127。0。0。1',
  '0x7F000001',
  '0X7f.0x0.0x0.0x1',
  '00000177.0.0.1',
  '127.0.0.0x1',
  '0x7f.0.1',
  // This host and unspecified.
  '0.0.0.0',
  '0',
  '0x0',
  '0.0',
  '00',
  '0.1.2.3',
  // Private, shared, link-local, metadata.
  '10.0.0.1',
  '10.255.255.255',
  '0xa000001',
  '167772161',
  '172.16.0.1',
  '172.31.255.255',
  '192.168.0.1',
  '192.168.255.255',
  '3232235521',
  '100.64.0.1',
  '100.127.255.255',
  '169.254.169.254',
  '169.254.0.1',
  '2852039166',
  '0xa9fea9fe',
  '0251.0376.0251.0376',
  '169.254.43518',
  // Special, documentation, benchmark, multicast, reserved, broadcast.
  '192.0.0.1',
  '192.0.0.192',
  '192.0.2.1',
  '192.88.99.1',
  '198.18.0.1',
  '198.19.255.255',
  '198.51.100.1',
  '203.0.113.1',
  '224.0.0.1',
  '239.255.255.255',
  '240.0.0.1',
  '255.255.255.255',
  '4294967295',
  // IPv6: loopback, unspecified, mapped, compatible, NAT64, 6to4, Teredo, unique local, link-local, site-local, multicast, documentation.
  '[::1]',
  '[0:0:0:0:0:0:0:1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '[0:0:0:0:0:ffff:127.0.0.1]',
  '[::127.0.0.1]',
  '[::7f00:1]',
  '[::ffff:0:127.0.0.1]',
  '[::ffff:10.0.0.1]',
  '[::ffff:169.254.169.254]',
  '[64:ff9b::127.0.0.1]',
  '[64:ff9b::a9fe:a9fe]',
  '[64:ff9b:1::127.0.0.1]',
  '[2002:7f00:1::]',
  '[2002:a9fe:a9fe::1]',
  '[2001:0:7f00:1::]',
  '[2001:db8::1]',
  '[fc00::1]',
  '[fd00:ec2::254]',
  '[fe80::1]',
  '[fec0::1]',
  '[ff02::1]',
  '[100::1]',
  '[3fff::1]',
  '[5f00::1]',
  ...Object.keys(names),
  'LOCALHOST',
  'LoopBack.Test',
];

const forms = (port: number): string[] => [
  ...hosts.map((host) => `http://${host}:${port}/`),
  `https://127.0.0.1:${port}/`,
  `http://user:pass@127.0.0.1:${port}/`,
  `http://example.com@127.0.0.1:${port}/`,
  `http://127.0.0.1:${port}#@example.com/`,
  `http://127.0.0.1:${port}\\@example.com/`,
  `http:127.0.0.1:${port}/`,
  `http:/127.0.0.1:${port}/`,
  `http:\\\\127.0.0.1:${port}\\`,
  ` http://127.0.0.1:${port}/`,
  `ht\ntp://127.0.0.1:${port}/`,
  `http://127.0.0\t.1:${port}/`,
  `//127.0.0.1:${port}/`,
  `ftp://127.0.0.1:${port}/`,
  `file:///etc/passwd`,
  `gopher://127.0.0.1:${port}/_GET`,
  'data:text/plain,hello',
  'javascript:alert(1)',
  `ws://127.0.0.1:${port}/`,
  `unix:/var/run/docker.sock`,
  `blob:http://127.0.0.1:${port}/x`,
];

describe('Egress', () => {
  let sink: Sink;
  beforeAll(async () => (sink = await Sink.open()));
  afterAll(() => sink.close());

  const egressWith = (allow: string[] = [], denyPorts: number[] = [], resolve = async (host: string) => names[host.toLowerCase()] ?? []) =>
    new Egress({ allow, denyPorts }, resolve);
  const get = (url: string, egress: Egress) => http.run(contextFor({ url }, { egress, signal: AbortSignal.timeout(5_000) }));

  it('reaches no private place, in whatever form its URL is written', async () => {
    const urls = forms(sink.port);
    expect(urls.length).toBeGreaterThanOrEqual(80);
    const egress = egressWith();
    const codes = await Promise.all(urls.map(async (url) => `${(await failureOf(get(url, egress))).code} ${url}`));
    expect(codes.filter((code) => !/^http_(forbidden|invalid) /.test(code))).toEqual([]);
    expect(sink.hits).toEqual([]);
    await egress.close();
  });

  it('connects to the address it checked, though the name changes its answer', async () => {
    const answers = [[ipv4('192.0.2.1')], [ipv4('127.0.0.1')]];
    let asked = 0;
    const egress = egressWith(['192.0.2.1'], [], async () => answers[Math.min(asked++, 1)] as Resolved[]);
    const controller = new AbortController();
    const first = failureOf(http.run(contextFor({ url: `http://rebind.test:${sink.port}/` }, { egress, signal: controller.signal })));
    setTimeout(() => controller.abort(new Error('enough')), 20);
    expect((await first).code).not.toBe('http_forbidden');
    expect((await failureOf(get(`http://rebind.test:${sink.port}/`, egress))).code).toBe('http_forbidden');
    expect(asked).toBe(2);
    expect(sink.hits).toEqual([]);
    await egress.close();
  });

  it.each([
    'http://127.0.0.1:%/',
    'http://[::1]:%/',
    'http://2130706433:%/',
    'http://loopback.test:%/',
    'http://[::ffff:127.0.0.1]:%/',
    'http://169.254.169.254/',
    'file:///etc/passwd',
    'http://user:x@127.0.0.1:%/',
    '//0x7f.1:%/',
  ])('does not follow a redirect to %s', async (target) => {
    const door = await Sink.open((_hit, response) => void response.writeHead(302, { location: target.replace('%', String(sink.port)) }).end(), '127.0.0.1');
    const egress = egressWith([`127.0.0.1:${door.port}`]);
    expect((await failureOf(get(`http://127.0.0.1:${door.port}/`, egress))).code).toBe('http_forbidden');
    expect(door.hits).toHaveLength(1);
    expect(sink.hits).toEqual([]);
    await Promise.all([door.close(), egress.close()]);
  });

  it('reaches what is allowed: by address, range, name and port', async () => {
    const local = await Sink.open(undefined, '127.0.0.1');
    for (const allow of ['127.0.0.1', '127.0.0.0/8', 'loopback.test', `loopback.test:${local.port}`, `127.0.0.1:${local.port}`]) {
      const egress = egressWith([allow]);
      await expect(get(`http://loopback.test:${local.port}/`, egress)).resolves.toMatchObject({ output: { status: 200 } });
      await egress.close();
    }
    for (const allow of ['127.0.0.2', '10.0.0.0/8', 'other.test', `loopback.test:${local.port + 1}`, '::1']) {
      const egress = egressWith([allow]);
      expect((await failureOf(get(`http://loopback.test:${local.port}/`, egress))).code).toBe('http_forbidden');
      await egress.close();
    }
    expect(local.hits).toHaveLength(5);
    await local.close();
  });

  it("never reaches Runlog's own ports, whatever is allowed", async () => {
    const egress = egressWith(['127.0.0.0/8', '::1', '::ffff:0:0/96', '0.0.0.0', 'loopback.test'], [sink.port]);
    for (const host of ['127.0.0.1', '127.9.9.9', '[::1]', '0.0.0.0', 'loopback.test', '[::ffff:127.0.0.1]'])
      expect((await failureOf(get(`http://${host}:${sink.port}/`, egress))).code).toBe('http_forbidden');
    expect(sink.hits).toEqual([]);
    await egress.close();
  });
});
