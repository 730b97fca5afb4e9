"""Names of all that files hold, one line each."""

import h5py


def hdf5_keys(path):
    """List datasets with type and number of axes, groups, and attributes of an HDF5 file."""
    lines = []

    def visit(name, item):
        if isinstance(item, h5py.Dataset):
            lines.append(f"/{name}: {item.dtype}, {item.ndim} axes")
        elif name:
            lines.append(f"/{name}/")
        lines.extend(f"/{name}@{key}" for key in sorted(item.attrs))

    with h5py.File(path, "r") as file:
        visit("", file)
        file.visititems(visit)
    return sorted(lines)


def json_keys(content, prefix=""):
    """List keys inside keys; those of all entries of a list are one."""
    if isinstance(content, dict):
        inner = [json_keys(value, f"{prefix}.{key}") for key, value in content.items()]
        lines = {f"{prefix}.{key}" for key in content}.union(*inner)
    elif isinstance(content, list):
        lines = set().union(*(json_keys(value, f"{prefix}[]") for value in content))
    else:
        lines = set()
    return sorted(lines) if not prefix else lines
