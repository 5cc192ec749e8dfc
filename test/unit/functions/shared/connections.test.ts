import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ConnectionBroken, Connections, type HttpRequest } from '../../../../functions/shared/connections.ts'

const PUT: HttpRequest = {
  method: 'PUT',
  path: '/cache/a',
  headers: { host: 'localhost', 'content-length': '4' },
  body: 'body',
}
const HEAD: HttpRequest = { method: 'HEAD', path: '/cache/a', headers: { host: 'localhost' }, body: '' }
const EMPTY = 'HTTP/1.1 200 OK\r\nETag: "x"\r\nContent-Length: 0\r\n\r\n'

/** A server that gives these answers, in pieces, one for each request that comes, on whichever connection; it sees what came on each. */
async function serve(
  answers: string[][],
): Promise<{ connections: Connections; port: number; received: string[]; sockets: Socket[] }> {
  const received: string[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    const number = received.push('') - 1
    sockets.push(socket)
    // who breaks off is part of these tests
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      received[number] += bytes.toString('latin1')
      void answer(socket, answers.shift() ?? [])
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return {
    connections: new Connections({ protocol: 'http:', hostname: '127.0.0.1', port }),
    port,
    received,
    sockets,
  }
}

/** When the client has closed its first connection. */
async function firstClosed([socket]: Socket[]): Promise<void> {
  if (socket?.closed === false) await once(socket, 'close')
}

/** Each piece for itself, as a slow network brings them; `close` ends the connection. */
async function answer(socket: Socket, pieces: string[]): Promise<void> {
  socket.setNoDelay(true)
  for (const piece of pieces) {
    if (piece === 'close') socket.end()
    else socket.write(piece)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

test('a request is sent as it is, and its answer has the status and the headers', async () => {
  const { connections, received } = await serve([[EMPTY], [EMPTY]])
  const answered = await connections.send(PUT)
  expect(answered).toEqual({ statusCode: 200, headers: { etag: '"x"', 'content-length': '0' } })
  await connections.send({ ...PUT, body: Buffer.from([1, 2, 3, 0xff]) })
  const head = 'PUT /cache/a HTTP/1.1\r\nhost: localhost\r\ncontent-length: 4\r\n\r\n'
  expect(received).toEqual([`${head}body${head}\x01\x02\x03\xff`])
})

test('a body that is too large to be copied arrives whole, and text as UTF-8', async () => {
  const { connections, received } = await serve([[EMPTY], []])
  const headers = { host: 'localhost', 'content-length': '4' }
  await connections.send({ ...PUT, headers, body: 'λλ' })
  expect(received[0]?.endsWith('\r\n\r\n\xce\xbb\xce\xbb')).toBe(true)
  // all of it comes before an answer does: there is none
  const sent = connections.send({ ...PUT, body: Buffer.alloc(300_000, 'x') })
  await expect.poll(() => received[0]?.endsWith('x'.repeat(300_000))).toBe(true)
  sent.catch(() => undefined)
})

test.each([
  ['localhost', true],
  ['127.0.0.1', false],
])('over TLS, %s is told as the server name: %s', async (hostname, isTold) => {
  const { received, port } = await serve([['close']])
  const connections = new Connections({ protocol: 'https:', hostname, port })
  await expect(connections.send(HEAD)).rejects.toThrow(ConnectionBroken)
  // the ClientHello is the one thing that everybody on the way can read
  expect(received[0]?.includes(hostname)).toBe(isTold)
})

describe('a connection is used again', () => {
  test.each<[string, HttpRequest, string[]]>([
    ['after an answer without a body', PUT, [EMPTY]],
    [
      'after one that comes in pieces',
      PUT,
      ['HTTP/1.1 200 OK\r', '\nETag: "x"\r\nContent-Le', 'ngth: 0\r\n\r', '\n'],
    ],
    [
      'after a body of known length',
      PUT,
      ['HTTP/1.1 412 Precondition Failed\r\nContent-Length: 5\r\n\r\nab', 'cde'],
    ],
    [
      'after a HEAD, whose length is that of what did not come',
      HEAD,
      ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n'],
    ],
    ['after a 204', PUT, ['HTTP/1.1 204 No Content\r\n\r\n']],
  ])('%s', async (_, request, pieces) => {
    const { connections, received } = await serve([pieces, [EMPTY]])
    await connections.send(request)
    expect((await connections.send(PUT)).statusCode).toBe(200)
    expect(received).toHaveLength(1)
  })
})

describe('a connection is not used again', () => {
  test.each<[string, string[]]>([
    ['when the server says so', ['HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n']],
    ['when the body comes in chunks', ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n']],
    ['when the answer does not say how long it is', ['HTTP/1.1 200 OK\r\n\r\n']],
    ['when it says so twice', ['HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 9\r\n\r\n']],
    ['when more comes than that', [`${EMPTY}HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n`]],
    ['when the server ends it behind the answer', [EMPTY, 'close']],
  ])('%s', async (_, pieces) => {
    const { connections, received, sockets } = await serve([pieces, [EMPTY]])
    expect((await connections.send(PUT)).statusCode).toBe(200)
    await firstClosed(sockets)
    expect((await connections.send(PUT)).statusCode).toBe(200)
    expect(received).toHaveLength(2)
  })

  test('when bytes come that nobody asked for', async () => {
    const { connections, received, sockets } = await serve([[EMPTY, EMPTY], [EMPTY]])
    await connections.send(PUT)
    await firstClosed(sockets)
    await connections.send(PUT)
    expect(received).toHaveLength(2)
  })
})

describe('nobody knows what became of a request', () => {
  test.each<[string, string[], RegExp]>([
    ['when the connection ends before the answer', ['close'], /closed/],
    ['when it ends within', ['HTTP/1.1 200 OK\r\nContent-', 'close'], /closed/],
    ['when it ends within the body', ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nab', 'close'], /closed/],
    ['when the answer is no HTTP', ['220 mail.example.org ESMTP\r\n\r\n'], /first line/],
    ['when it is another version', ['HTTP/1.0 200 OK\r\n\r\n'], /first line/],
    ['when it is no last answer', ['HTTP/1.1 100 Continue\r\n\r\n'], /first line/],
    ['when a line is no header', ['HTTP/1.1 200 OK\r\nnonsense\r\n\r\n'], /a line of its head/],
    ['when the head never ends', [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}`], /head has more than/],
  ])('%s', async (_, pieces, message) => {
    const { connections } = await serve([pieces, [EMPTY]])
    const error: unknown = await connections.send(PUT).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ConnectionBroken)
    expect((error as ConnectionBroken).message).toMatch(message)
    // and the next one has a connection of its own
    expect((await connections.send(PUT)).statusCode).toBe(200)
  })

  test('when there is no server', async () => {
    const connections = new Connections({ protocol: 'http:', hostname: '127.0.0.1', port: 1 })
    await expect(connections.send(PUT)).rejects.toThrow(ConnectionBroken)
  })
})

test('of more than 50 at once, the others wait for a connection', async () => {
  const { connections, received } = await serve(Array.from({ length: 120 }, () => [EMPTY]))
  const answers = await Promise.all(Array.from({ length: 120 }, () => connections.send(PUT)))
  expect(answers.filter(({ statusCode }) => statusCode === 200)).toHaveLength(120)
  expect(received.length).toBeLessThanOrEqual(50)
})

test.each(['a\r\nx-amz-acl: public-read', 'a\nb', 'a\0b', 'λ'])(
  'the header %j is never sent',
  async (value) => {
    const { connections, received } = await serve([])
    const request = { ...PUT, headers: { ...PUT.headers, 'content-type': value } }
    await expect(connections.send(request)).rejects.toThrow(TypeError)
    expect(received).toEqual([])
  },
)
