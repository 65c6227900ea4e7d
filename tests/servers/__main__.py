"""Prints the Debian packages that the tests still need."""

from tests.servers import missing_packages

if __name__ == "__main__":
    for package in missing_packages():
        print(package)
