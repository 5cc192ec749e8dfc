/** What a build of the self-test tries to reach. All of it is planted by the builder, or is where secrets are on AWS. */
export interface EscapeTargets {
  /** what stands before the report in the build's log */
  mark: string
  /** path of its input in the store */
  input: string
  /** path in the store that it was not given */
  stranger: string
  /** file of the job's work folder */
  jobFile: string
  /** port of a server on this machine's 127.0.0.1 */
  port: number
  /** socket of Nix's daemon */
  daemon: string
  /** whether it may reach the network: only fixed-output builds, whose content is known beforehand */
  isFixedOutput: boolean
}

/**
 * Runs inside of a build, as its own text: it uses nothing but its argument and Node. Tries everything that a build must not be able to do, says what it could
 * do in one line of the build's log, and fails if there is anything.
 */
export async function attemptEscape(targets: EscapeTargets): Promise<void> {
  const fs = process.getBuiltinModule('node:fs')
  const net = process.getBuiltinModule('node:net')
  const escapes: string[] = []
  const attempt = (what: string, act: () => unknown): void => {
    try {
      if (act() !== false) escapes.push(what)
    } catch {
      // refused, as it should be
    }
  }
  /** Connects, and says something if there is something to say. @returns what was answered within 300 ms; undefined without a connection */
  const ask = (
    where: { host: string; port: number } | { path: string },
    words = '',
  ): Promise<string | undefined> =>
    new Promise((resolve) => {
      let answer = ''
      let isConnected = false
      const socket = net.connect(where)
      const end = (): void => {
        socket.destroy()
        resolve(isConnected ? answer : undefined)
      }
      setTimeout(end, 300).unref()
      socket.on('connect', () => {
        isConnected = true
        if (words === '') end()
        else socket.write(words)
      })
      socket.on('data', (chunk) => (answer += chunk.toString()))
      socket.on('error', end)
      socket.on('end', end)
    })

  const { input } = targets
  attempt('write to its input', () => fs.appendFileSync(input, 'written by a build'))
  attempt('make its input writable', () => fs.chmodSync(input, 0o777))
  attempt('write to its input, made writable', () => fs.writeFileSync(input, 'written by a build'))
  attempt('delete its input', () => fs.unlinkSync(input))
  attempt('read a store path that it was not given', () => fs.readFileSync(targets.stranger))
  attempt("read a file of the builder's job", () => fs.readFileSync(targets.jobFile))
  attempt('read credentials in its own environment', () =>
    // Nix sets what `impureEnvVars` asks for and it does not have to the empty text
    Object.entries(process.env).some(([name, value]) => /^(AWS|HEARTH)_/.test(name) && value !== ''),
  )
  for (const id of fs
    .readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid))
    attempt(`read the environment of another process (${id})`, () =>
      /(^|\0)(AWS|HEARTH)_/.test(fs.readFileSync(`/proc/${id}/environ`, 'utf8')),
    )
  attempt('be root on this machine', () => {
    const uid = process.getuid?.() ?? 0
    // each line: first user id inside, the same outside, how many. Source: user_namespaces(7)
    const ranges = fs.readFileSync('/proc/self/uid_map', 'utf8').trim().split('\n')
    return ranges.some((range) => {
      const [inside = 0, outside = 0, count = 0] = range.trim().split(/\s+/).map(Number)
      return uid >= inside && uid < inside + count && uid - inside + outside === 0
    })
  })

  const reached = async (what: string, where: Parameters<typeof ask>[0]): Promise<void> => {
    if ((await ask(where)) !== undefined) escapes.push(what)
  }
  const credentials = async (what: string, words: string): Promise<void> => {
    const answer = await ask({ host: '169.254.169.254', port: 80 }, words)
    if (answer !== undefined && /^HTTP\/1\.[01] 200/.test(answer)) escapes.push(what)
  }
  const request = (line: string): string =>
    `${line} HTTP/1.1\r\nHost: 169.254.169.254\r\nConnection: close\r\n`
  await Promise.all([
    reached('talk to the Nix daemon', { path: targets.daemon }),
    // The container's credentials need a path that only the builder's environment has; the machine's own need nothing.
    credentials(
      'read the credentials of this machine from 169.254.169.254',
      `${request('GET /latest/meta-data/iam/security-credentials/')}\r\n`,
    ),
    credentials(
      'get a token for the credentials of this machine from 169.254.169.254',
      `${request('PUT /latest/api/token')}X-aws-ec2-metadata-token-ttl-seconds: 60\r\nContent-Length: 0\r\n\r\n`,
    ),
    ...(targets.isFixedOutput
      ? []
      : [
          reached("reach a server on this machine's 127.0.0.1", { host: '127.0.0.1', port: targets.port }),
          reached('reach 169.254.170.2, where the credentials of containers are', {
            host: '169.254.170.2',
            port: 80,
          }),
        ]),
  ])
  console.error(`${targets.mark} ${JSON.stringify(escapes)}`)
  if (escapes.length > 0) process.exit(1)
  fs.writeFileSync(process.env['out'] ?? '', 'nothing')
}
