# run: /usr/bin/python3
# needs: /usr/lib/python3/dist-packages/paramiko
# rename: replaces
# cannot: puttree gettree: paramiko moves files only
# cannot: hardlink copy df: paramiko does not know the extensions
import os
import stat

import paramiko

import verbs


class Client:
    def __init__(self, ssh):
        self.ssh = ssh
        self.sftp = ssh.open_sftp()

    def put(self, local, remote):
        self.sftp.put(local, remote)  # in pipelined writes; compares the size at the end

    def get(self, remote, local):
        self.sftp.get(remote, local)  # with prefetch

    def reput(self, local, remote):
        with self.sftp.open(remote, "ab") as out, open(local, "rb") as source:
            source.seek(self.sftp.stat(remote).st_size)
            out.set_pipelined(True)
            while data := source.read(32768):
                out.write(data)

    def append(self, local, remote):
        with self.sftp.open(remote, "ab") as out, open(local, "rb") as source:
            out.write(source.read())

    def reget(self, remote, local):
        with self.sftp.open(remote, "rb") as source, open(local, "ab") as out:
            source.seek(os.path.getsize(local))
            while data := source.read(100000):
                out.write(data)

    def writeat(self, local, remote, offset):
        with self.sftp.open(remote, "r+b") as out, open(local, "rb") as source:
            out.seek(int(offset))
            out.write(source.read())

    def readat(self, remote, offset, length, local):
        with self.sftp.open(remote, "rb") as source, open(local, "wb") as out:
            [data] = source.readv([(int(offset), int(length))])
            out.write(data)

    def putp(self, local, remote):
        info = os.stat(local)
        with self.sftp.open(remote, "wb") as out, open(local, "rb") as source:
            out.write(source.read())
            out.chmod(stat.S_IMODE(info.st_mode))  # by handle, before CLOSE
            out.utime((info.st_atime, info.st_mtime))

    def getp(self, remote, local):
        self.sftp.get(remote, local)
        info = self.sftp.stat(remote)
        os.chmod(local, stat.S_IMODE(info.st_mode))
        os.utime(local, (info.st_atime, info.st_mtime))

    def list(self, directory):
        names = self.sftp.listdir(directory)
        again = [entry.filename for entry in self.sftp.listdir_iter(directory)]  # asks ahead
        assert sorted(names) == sorted(again), "listdir and listdir_iter differ"
        return names

    def stat(self, name):
        info = self.sftp.stat(name)
        return f"{info.st_size} {stat.S_IMODE(info.st_mode):o} {info.st_mtime}"

    def mkdir(self, name):
        self.sftp.mkdir(name)

    def rmdir(self, name):
        self.sftp.rmdir(name)

    def rm(self, name):
        self.sftp.remove(name)

    def rename(self, source, target):
        self.sftp.posix_rename(source, target)

    def chmod(self, mode, name):
        self.sftp.chmod(name, int(mode, 8))

    def touch(self, seconds, name):
        self.sftp.utime(name, (int(seconds), int(seconds)))

    def symlink(self, target, link):
        self.sftp.symlink(target, link)

    def readlink(self, name):
        return self.sftp.readlink(name)

    def hash(self, kind, name):
        _, out, _ = self.ssh.exec_command(f"{kind}sum '{name}'")
        text = out.read().decode()
        assert out.channel.recv_exit_status() == 0, text
        with self.sftp.open(name) as file:  # and by the extension
            assert file.check(kind).hex() == text.split()[0], "check-file and the command differ"
        return text.split()[0]


with paramiko.SSHClient() as ssh:
    ssh.load_host_keys(os.environ["KNOWN_HOSTS"])
    ssh.connect(os.environ["HOST"], int(os.environ["PORT"]), os.environ["CLIENT_USER"],
                key_filename=os.environ["KEY"], allow_agent=False, look_for_keys=False)
    verbs.serve(Client(ssh))
