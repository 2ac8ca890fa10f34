# run: /usr/bin/python3
# needs: /usr/lib/python3/dist-packages/asyncssh
# rename: replaces
# Version 3 of SFTP; requests of 16 KiB and more, up to 128 at a time.
import asyncio
import os
import stat

import asyncssh

import verbs


class Client:
    def __init__(self, ssh, sftp):
        self.ssh = ssh
        self.sftp = sftp

    async def put(self, local, remote):
        await self.sftp.put(local, remote, block_size=65536)

    async def get(self, remote, local):
        await self.sftp.get(remote, local, block_size=65536, follow_symlinks=True)

    async def reput(self, local, remote):
        async with self.sftp.open(remote, "r+b") as out:
            with open(local, "rb") as source:
                size = await self.sftp.getsize(remote)
                source.seek(size)
                await out.write(source.read(), size)

    async def append(self, local, remote):
        async with self.sftp.open(remote, "ab") as out:
            with open(local, "rb") as source:
                await out.write(source.read())

    async def reget(self, remote, local):
        async with self.sftp.open(remote, "rb") as source:
            with open(local, "ab") as out:
                out.write(await source.read(offset=os.path.getsize(local)))

    async def writeat(self, local, remote, offset):
        # All pieces at once, the last first.
        async with self.sftp.open(remote, "r+b") as out:
            with open(local, "rb") as source:
                data = source.read()
            pieces = range(0, len(data), 16384)
            await asyncio.gather(*(out.write(data[at:at + 16384], int(offset) + at) for at in reversed(pieces)))

    async def readat(self, remote, offset, length, local):
        offset, length = int(offset), int(length)
        async with self.sftp.open(remote, "rb") as source:
            size = 16384
            pieces = await asyncio.gather(
                *(source.read(min(size, length - at), offset + at) for at in range(0, length, size)))
        with open(local, "wb") as out:
            out.write(b"".join(pieces))

    async def putp(self, local, remote):
        await self.sftp.put(local, remote, preserve=True)

    async def getp(self, remote, local):
        await self.sftp.get(remote, local, preserve=True)

    async def puttree(self, local, remote):
        await self.sftp.put(local, remote, recurse=True)

    async def gettree(self, remote, local):
        await self.sftp.get(remote, local, recurse=True)

    async def list(self, directory):
        return [name for name in await self.sftp.listdir(directory) if name not in (".", "..")]

    async def stat(self, name):
        info = await self.sftp.stat(name)
        return f"{info.size} {stat.S_IMODE(info.permissions):o} {info.mtime}"

    async def mkdir(self, name):
        await self.sftp.mkdir(name)

    async def rmdir(self, name):
        await self.sftp.rmdir(name)

    async def rm(self, name):
        await self.sftp.remove(name)

    async def rename(self, source, target):
        await self.sftp.posix_rename(source, target)

    async def chmod(self, mode, name):
        await self.sftp.chmod(name, int(mode, 8))

    async def touch(self, seconds, name):
        await self.sftp.utime(name, (int(seconds), int(seconds)))

    async def symlink(self, target, link):
        await self.sftp.symlink(target, link)

    async def readlink(self, name):
        return await self.sftp.readlink(name)

    async def hardlink(self, source, target):
        await self.sftp.link(source, target)

    async def copy(self, source, target):
        await self.sftp.copy(source, target)

    async def df(self):
        info = await self.sftp.statvfs("/")
        return info.bavail * info.frsize

    async def hash(self, kind, name):
        done = await self.ssh.run(f"{kind}sum '{name}'", check=True)
        return done.stdout.split()[0]


async def main():
    async with asyncssh.connect(os.environ["HOST"], int(os.environ["PORT"]), username=os.environ["CLIENT_USER"],
                                known_hosts=os.environ["KNOWN_HOSTS"], client_keys=[os.environ["KEY"]],
                                agent_path=None, config=None) as ssh:
        async with ssh.start_sftp_client() as sftp:
            await verbs.serve_async(Client(ssh, sftp))


asyncio.run(main())
