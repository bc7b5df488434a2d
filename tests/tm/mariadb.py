"""A MariaDB server of the tests' own, which can be killed and started again; None when none is installed."""
import os
import shutil
import subprocess
import tempfile

from managers import Failed, free_ports, tail, until

QUIET = {'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}


def installed():
    return all(shutil.which(name, path=os.environ['PATH'] + ':/usr/sbin') for name in
               ('mariadbd', 'mariadb-install-db', 'mariadb'))


def driver():
    """Tessera's way to it: a JAR of $QUORATE_TESSERA_DRIVER, or Debian's libmariadb-java; '' without either."""
    debian = '/usr/share/java/mariadb-java-client.jar'
    return os.environ.get('QUORATE_TESSERA_DRIVER') or (debian if os.path.exists(debian) else '')


class MariaDB:
    def __init__(self, pool='32M'):
        self.pool = pool
        self.folder = tempfile.mkdtemp(prefix='quorate-tm-mariadb-')
        self.port, self.process = free_ports(1)[0], None
        with open(f'{self.folder}/install', 'w') as log:  # --force: also where the machine's own name cannot be looked up
            made = subprocess.run(['mariadb-install-db', '--no-defaults', f'--datadir={self.folder}/data', '--skip-test-db',
                                   '--auth-root-authentication-method=normal', '--skip-name-resolve', '--force'],
                                  stdout=log, stderr=log, env=self.environment())
        if made.returncode:
            raise Failed(f'mariadb-install-db ended with {made.returncode}: {tail(self.folder + "/install")}')
        self.start()

    def environment(self):
        """Not /tmp: a server that starts removes other servers' temporary tables there."""
        return dict(os.environ, TMPDIR=self.folder)

    def start(self, wait=True):
        program = shutil.which('mariadbd', path=os.environ['PATH'] + ':/usr/sbin')
        with open(f'{self.folder}/log', 'a') as log:
            self.process = subprocess.Popen(
                [program, '--no-defaults', f'--datadir={self.folder}/data', f'--port={self.port}', '--user=root',
                 '--bind-address=127.0.0.1', f'--socket={self.folder}/socket', '--skip-name-resolve',
                 '--skip-grant-tables', '--max-allowed-packet=64M', '--max-connections=1000', f'--innodb-buffer-pool-size={self.pool}'],
                stdout=log, stderr=log, env=self.environment())
        if wait:
            until(self.answers, 120, 'MariaDB answers')

    def answers(self):
        if self.process.poll() is not None:
            raise Failed(f'MariaDB ended with {self.process.returncode}: {tail(self.folder + "/log")}')
        return subprocess.run(self.client('select 1'), **QUIET).returncode == 0

    def kill(self):
        self.process.kill()
        self.process.wait()

    def client(self, statement):
        return ['mariadb', '--no-defaults', f'--socket={self.folder}/socket', '-e', statement]

    def database(self, name):
        """Its url."""
        subprocess.run(self.client(f'create database {name}'), check=True)
        return f'jdbc:mariadb://127.0.0.1:{self.port}/{name}'

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.kill()
        shutil.rmtree(self.folder)
