<?php
// run: php
// needs: /usr/share/php/phpseclib3/autoload.php
// rename: refuses
// cannot: hardlink copy df: phpseclib does not know the extensions
// cannot: puttree gettree: phpseclib moves files only

require '/usr/share/php/phpseclib3/autoload.php';

use phpseclib3\Crypt\PublicKeyLoader;
use phpseclib3\Net\SFTP;
use phpseclib3\Net\SSH2;

$user = getenv('CLIENT_USER');
$key = PublicKeyLoader::load(file_get_contents(getenv('KEY')));
$sftp = new SFTP(getenv('HOST'), (int) getenv('PORT'));
$sftp->login($user, $key) || exit("no login\n");
$sftp->disableStatCache();

$verbs = [
    'put' => fn($local, $remote) => $sftp->put($remote, $local, SFTP::SOURCE_LOCAL_FILE),
    'get' => fn($remote, $local) => $sftp->get($remote, $local),
    'reput' => fn($local, $remote) => $sftp->put($remote, $local, SFTP::SOURCE_LOCAL_FILE | SFTP::RESUME, -1, $sftp->filesize($remote)),
    'append' => fn($local, $remote) => $sftp->put($remote, $local, SFTP::SOURCE_LOCAL_FILE | SFTP::RESUME),
    'writeat' => fn($local, $remote, $offset) => $sftp->put($remote, $local, SFTP::SOURCE_LOCAL_FILE | SFTP::RESUME_START, (int) $offset),
    'reget' => function ($remote, $local) use ($sftp) {
        $out = fopen($local, 'ab');
        return $sftp->get($remote, $out, filesize($local)) && fclose($out);
    },
    'readat' => fn($remote, $offset, $length, $local) => file_put_contents($local, $sftp->get($remote, false, (int) $offset, (int) $length)),
    'putp' => function ($local, $remote) use ($sftp) {
        $sftp->enableDatePreservation();
        $done = $sftp->put($remote, $local, SFTP::SOURCE_LOCAL_FILE) && $sftp->chmod(fileperms($local) & 0777, $remote);
        $sftp->disableDatePreservation();
        return $done;
    },
    'getp' => function ($remote, $local) use ($sftp) {
        $sftp->enableDatePreservation();
        $done = $sftp->get($remote, $local) && chmod($local, $sftp->fileperms($remote) & 0777);
        $sftp->disableDatePreservation();
        return $done && touch($local, $sftp->filemtime($remote));
    },
    'list' => fn($dir) => array_values(array_diff($sftp->nlist($dir) ?: [], ['.', '..'])),
    'stat' => function ($name) use ($sftp) {
        $stat = $sftp->stat($name);
        return $stat ? [sprintf('%d %o %d', $stat['size'], $stat['mode'] & 0777, $stat['mtime'])] : false;
    },
    'mkdir' => fn($name) => $sftp->mkdir($name),
    'rmdir' => fn($name) => $sftp->rmdir($name),
    'rm' => fn($name) => $sftp->delete($name, false),
    'rename' => fn($from, $to) => $sftp->rename($from, $to),
    'chmod' => fn($mode, $name) => $sftp->chmod(octdec($mode), $name),
    'touch' => fn($seconds, $name) => $sftp->touch($name, (int) $seconds),
    'symlink' => fn($target, $link) => $sftp->symlink($target, $link),
    'readlink' => function ($name) use ($sftp) {
        $target = $sftp->readlink($name);
        return $target === false ? false : [$target];
    },
    'hash' => function ($kind, $name) use ($user, $key) {
        $ssh = new SSH2(getenv('HOST'), (int) getenv('PORT'));
        $ssh->login($user, $key);
        $said = $ssh->exec("{$kind}sum '$name'");
        return $ssh->getExitStatus() === 0 ? [explode(' ', $said)[0]] : false;
    },
];

while (($line = fgets(STDIN)) !== false) {
    $words = explode("\t", rtrim($line, "\n"));
    $verb = array_shift($words);
    try {
        $said = $verbs[$verb](...$words);
        foreach (is_array($said) ? $said : [] as $value) {
            echo "= $value\n";
        }
        echo $said === false ? "fail {$sftp->getLastSFTPError()}\n" : "ok\n";
    } catch (Throwable $err) {
        fwrite(STDERR, "$err\n");
        echo 'fail ', str_replace("\n", ' ', $err->getMessage()), "\n";
    }
}
$sftp->disconnect();
