// run: java -cp /usr/share/java/jsch.jar
// needs: javac /usr/share/java/jsch.jar
// rename: replaces
// JSch 0.1.54 of 2016, which many Java programs still carry. It knows no ED25519 and no rsa-sha2:
// the server needs its ECDSA host key.
// cannot: puttree gettree: JSch moves files only
// cannot: copy: JSch does not know the extension
import com.jcraft.jsch.ChannelExec;
import com.jcraft.jsch.ChannelSftp;
import com.jcraft.jsch.JSch;
import com.jcraft.jsch.Session;
import com.jcraft.jsch.SftpATTRS;
import java.io.BufferedReader;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.ArrayList;
import java.util.List;

public class Jsch {
    public static void main(String[] args) throws Exception {
        JSch jsch = new JSch();
        jsch.setKnownHosts(System.getenv("KNOWN_HOSTS"));
        Session session = jsch.getSession(System.getenv("CLIENT_USER"), System.getenv("HOST"),
                Integer.parseInt(System.getenv("PORT")));
        session.setPassword(System.getenv("PASSWORD"));
        session.setConfig("server_host_key", "ecdsa-sha2-nistp256");
        session.setConfig("PreferredAuthentications", "password");
        session.connect(20000);
        ChannelSftp sftp = (ChannelSftp) session.openChannel("sftp");
        sftp.connect(20000);
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line; (line = in.readLine()) != null; ) {
            try {
                for (String value : verb(session, sftp, line.split("\t"))) {
                    out.println("= " + value);
                }
                out.println("ok");
            } catch (Exception e) {
                e.printStackTrace();
                out.println("fail " + String.valueOf(e.getMessage()).replace('\n', ' '));
            }
        }
        sftp.disconnect();
        session.disconnect();
    }

    static List<String> verb(Session session, ChannelSftp sftp, String[] w) throws Exception {
        List<String> data = new ArrayList<>();
        switch (w[0]) {
            case "put" -> sftp.put(w[1], name(w[2]));
            case "get" -> sftp.get(name(w[1]), w[2]);
            case "reput" -> sftp.put(w[1], name(w[2]), ChannelSftp.RESUME);
            case "append" -> sftp.put(w[1], name(w[2]), ChannelSftp.APPEND);
            case "reget" -> sftp.get(name(w[1]), w[2], null, ChannelSftp.RESUME);
            case "writeat" -> {
                try (InputStream source = Files.newInputStream(Path.of(w[1]));
                        OutputStream target = sftp.put(name(w[2]), null, ChannelSftp.RESUME,
                                Long.parseLong(w[3]) - sftp.lstat(w[2]).getSize())) {
                    source.transferTo(target);
                }
            }
            case "readat" -> {
                try (InputStream source = sftp.get(name(w[1]), null, Long.parseLong(w[2]))) {
                    Files.write(Path.of(w[4]), source.readNBytes(Integer.parseInt(w[3])));
                }
            }
            case "putp" -> {
                Path local = Path.of(w[1]);
                sftp.put(w[1], name(w[2]));
                SftpATTRS attrs = sftp.stat(w[2]); // all that STAT told goes back, changed
                int seconds = (int) (Files.getLastModifiedTime(local).toMillis() / 1000);
                attrs.setACMODTIME(seconds, seconds);
                attrs.setPERMISSIONS((Integer) Files.getAttribute(local, "unix:mode") & 0777);
                sftp.setStat(w[2], attrs);
            }
            case "getp" -> {
                sftp.get(name(w[1]), w[2]);
                SftpATTRS attrs = sftp.stat(name(w[1]));
                Path local = Path.of(w[2]);
                Files.setAttribute(local, "unix:mode", attrs.getPermissions() & 0777);
                Files.setLastModifiedTime(local, FileTime.fromMillis(attrs.getMTime() * 1000L));
            }
            case "list" -> {
                for (Object entry : sftp.ls(name(w[1]))) {
                    String file = ((ChannelSftp.LsEntry) entry).getFilename();
                    if (!file.equals(".") && !file.equals("..")) {
                        data.add(file);
                    }
                }
            }
            case "stat" -> {
                SftpATTRS attrs = sftp.lstat(name(w[1]));
                data.add(attrs.getSize() + " " + Integer.toOctalString(attrs.getPermissions() & 0777) + " " + attrs.getMTime());
            }
            case "mkdir" -> sftp.mkdir(w[1]);
            case "rmdir" -> sftp.rmdir(name(w[1]));
            case "rm" -> sftp.rm(name(w[1]));
            case "rename" -> sftp.rename(name(w[1]), name(w[2]));
            case "chmod" -> sftp.chmod(Integer.parseInt(w[1], 8), name(w[2]));
            case "touch" -> sftp.setMtime(name(w[2]), Integer.parseInt(w[1]));
            case "symlink" -> sftp.symlink(w[1], w[2]);
            case "readlink" -> data.add(sftp.readlink(w[1]));
            case "hardlink" -> sftp.hardlink(w[1], w[2]);
            case "df" -> data.add(String.valueOf(sftp.statVFS("/").getAvail() * 1024));
            case "hash" -> {
                ChannelExec exec = (ChannelExec) session.openChannel("exec");
                exec.setCommand(w[1] + "sum '" + w[2] + "'");
                InputStream from = exec.getInputStream();
                exec.connect(20000);
                data.add(new String(from.readAllBytes(), StandardCharsets.UTF_8).split(" ")[0]);
                exec.disconnect();
            }
            default -> throw new IllegalArgumentException("no such verb: " + w[0]);
        }
        return data;
    }

    // name is for functions that expand wildcards.
    static String name(String s) {
        return s.replaceAll("([\\\\*?\\[])", "\\\\$1");
    }
}
